// What a slice owns on one rail, and the state that slices are cut from: bit masks, one word each.
// A missing, failed or reserved element is a taken bit; nothing else here knows about failures.
// Thread: one. Errors: taking what is taken, or returning what is free, is a bug and stops.
#pragma once
#include <cstdint>
#include <vector>

#include "broker/fabric/tree/tree.hpp"

namespace weft::broker::fabric {

// A, B, C, D, E of docs/specs/005-slices.md (E: in a pod, or in several); any: no shape, and no
// links of its own.
enum class Shape : std::uint8_t { leaf, pod, pods, owned, stubs, stubs_of_pods, any };

struct Cut {
  struct Leaf {
    std::uint32_t leaf = 0;
    std::uint64_t hosts = 0;
    std::uint64_t up = 0;  // L2 indices of owned uplinks
    bool operator==(const Leaf&) const = default;
  };
  struct L2 {
    std::uint32_t l2 = 0;  // pod * l2_per_pod + index
    std::uint64_t up = 0;  // spine indices of owned uplinks
    bool operator==(const L2&) const = default;
  };
  Shape shape = Shape::leaf;
  std::uint32_t asked = 0;  // hosts asked for; what is there beyond is waste by rounding
  std::vector<Leaf> leaves;
  std::vector<L2> l2;  // those with owned uplinks
  bool operator==(const Cut&) const = default;

  std::uint32_t hosts() const;
  std::uint32_t leaf_links() const;   // leaf - L2
  std::uint32_t spine_links() const;  // L2 - spine
};

// From when to when a slice is wanted, in seconds of any one clock.
struct Term {
  std::int64_t now_s = 0, end_s = 0;
};

class Masks {
 public:
  explicit Masks(const Tree& tree);  // all free

  const Tree& tree() const { return tree_; }
  std::uint64_t hosts(std::uint32_t leaf) const { return hosts_[leaf]; }
  std::uint64_t leaf_up(std::uint32_t leaf) const { return leaf_up_[leaf]; }
  std::uint64_t l2_up(std::uint32_t l2) const { return l2_up_[l2]; }
  std::uint64_t l2_up(std::uint32_t pod, std::uint32_t index) const {
    return l2_up_[pod * tree_.l2_per_pod + index];
  }
  // Counted once, as searches ask for it all the time.
  std::uint32_t free_on(std::uint32_t leaf) const { return free_on_[leaf]; }
  std::uint32_t uplinks_on(std::uint32_t leaf) const { return uplinks_on_[leaf]; }
  std::uint32_t free_hosts() const { return free_; }
  std::uint32_t free_hosts(std::uint32_t pod) const { return free_of_pod_[pod]; }
  // Leaves of the pod with all hosts and all uplinks free.
  std::uint32_t free_leaves(std::uint32_t pod) const { return free_leaves_[pod]; }
  // Which leaves of the pod (bit: leaf % m2) have at least `n` free hosts, or uplinks.
  // n: at most one more than there are.
  std::uint64_t with_hosts(std::uint32_t pod, std::uint32_t n) const {
    return with_hosts_[pod * (tree_.hosts_per_leaf + 2) + n];
  }
  std::uint64_t with_uplinks(std::uint32_t pod, std::uint32_t n) const {
    return with_uplinks_[pod * (tree_.l2_per_pod + 2) + n];
  }
  // Free uplinks of that L2 switch of the pod which has the fewest.
  std::uint32_t fewest_spines(std::uint32_t pod) const { return fewest_spines_[pod]; }
  bool leaf_is_free(std::uint32_t leaf) const {
    return free_on_[leaf] == tree_.hosts_per_leaf && uplinks_on_[leaf] == tree_.l2_per_pod;
  }

  // When the last of those who have hosts of the leaf is to go; 0 where nobody said.
  std::int64_t busy_until(std::uint32_t leaf) const { return busy_until_[leaf]; }

  // `end_s`: when the slice is to end, on the clock of Term.
  void take(const Cut& cut, std::int64_t end_s = 0);
  void give_back(const Cut& cut);
  // Takes what is still free of it: the view of those who must leave a reservation alone.
  void shield(const Cut& cut, std::int64_t end_s = 0);

 private:
  void set(std::uint32_t leaf, std::uint64_t hosts, std::uint64_t up);
  void set_l2(std::uint32_t l2, std::uint64_t up);

  Tree tree_;
  std::vector<std::uint64_t> hosts_, leaf_up_, l2_up_, with_hosts_, with_uplinks_;
  std::vector<std::uint32_t> free_of_pod_, free_leaves_;
  std::vector<std::uint8_t> free_on_, uplinks_on_, spines_on_, fewest_spines_;
  std::vector<std::int64_t> busy_until_;
  std::uint32_t free_ = 0;
};

}  // namespace weft::broker::fabric
