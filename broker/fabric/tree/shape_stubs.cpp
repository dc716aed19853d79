// Shape E: a slice of stubs, the hosts left over on leaves that others use.
#include <algorithm>
#include <array>

#include "broker/fabric/tree/shapes.hpp"

namespace weft::broker::fabric {
namespace {

constexpr std::uint32_t leaves_max = 32;           // of such a slice
constexpr std::uint32_t leaves_of_tree = 64 * 64;  // of a tree

// The leaves chosen so far, and the links that all of them have in common.
struct Meeting {
  std::uint64_t up = 0;                  // uplinks by which all can meet
  std::array<std::uint64_t, 64> spines;  // by L2 index: common to all pods
  std::array<std::uint32_t, leaves_max> leaf, pod;
  std::array<std::uint32_t, leaves_max + 1> load;  // leaves chosen in the pod; then a 0
  std::uint32_t leaves = 0, pods = 0;
};

// Spines that n pods with these loads need in common: the largest load, and of two pods the
// smaller, as no more flows can go between them.
std::uint32_t spines_needed(const std::uint32_t* load, std::uint32_t n) {
  if (n < 2) return 0;
  return n == 2 ? std::min(load[0], load[1]) : *std::max_element(load, load + n);
}

class StubsSearch {
 public:
  StubsSearch(const Masks& masks, Search& search) : masks_(masks), search_(search) {}

  std::optional<Cut> run(std::uint32_t hosts, std::uint32_t leaves) {
    const Tree& tree = masks_.tree();
    if (!collect(hosts)) return std::nullopt;
    leaves = std::min(leaves, leaves_max);
    for (n_ = std::min({hosts - 1, tree.hosts_per_leaf, tree.l2_per_pod}); n_ >= 1; --n_) {
      full_ = hosts / n_, r_ = hosts % n_;
      if (full_ + (r_ > 0 ? 1 : 0) > leaves) break;
      need_ = full_ == 1 ? r_ : n_;
      if (at_least_[n_] < full_ || (r_ > 0 && at_least_[r_] < full_ + 1)) continue;
      const std::uint32_t first = stubs_ - at_least_[n_];
      for (std::uint32_t from = first; from + full_ <= stubs_; ++from)
        if (masks_.uplinks_on(stub_[from]) >= need_ && choose(from)) return cut();
      if (steps_ > steps_max) break;
    }
    return std::nullopt;
  }

 private:
  static constexpr std::uint32_t steps_max = 60;

  // Stubs by hosts, fewest first. False: they have fewer than `wanted`. Only leaves that others
  // keep anyhow for nearly as long as we would: so we put off no leaf's becoming whole again.
  bool collect(std::uint32_t wanted) {
    const Term& term = *search_.term;
    const std::int64_t until = term.end_s - (term.end_s - term.now_s) / 5;
    const Tree& tree = masks_.tree();
    std::array<std::uint16_t, leaves_of_tree> found;
    std::array<std::uint32_t, 66> of{};
    std::uint32_t hosts = 0;
    for (std::uint32_t pod = 0; pod < tree.pods; ++pod)
      for (std::uint64_t rest = masks_.with_hosts(pod, 1) & masks_.with_uplinks(pod, 1);
           rest != 0;) {
        const std::uint32_t leaf = pod * tree.leaves_per_pod + next(rest);
        if (masks_.busy_until(leaf) < until) continue;
        found[stubs_++] = static_cast<std::uint16_t>(leaf);
        hosts += masks_.free_on(leaf);
        ++of[masks_.free_on(leaf)];
      }
    if (hosts < wanted) return false;
    for (std::size_t n = 65; n-- > 0;) at_least_[n] = of[n] + at_least_[n + 1];
    std::array<std::uint32_t, 65> at;  // where the next stub of n hosts goes
    for (std::size_t n = 0; n < at.size(); ++n) at[n] = stubs_ - at_least_[n];
    for (std::uint32_t i = 0; i < stubs_; ++i) stub_[at[masks_.free_on(found[i])]++] = found[i];
    return true;
  }

  // The uplinks by which this leaf can meet those chosen.
  std::uint64_t meeting(std::uint32_t leaf, std::uint32_t wanted) {
    const std::uint64_t both = met_.up & masks_.leaf_up(leaf);
    if (count(both) < wanted) return 0;
    ++steps_;
    const std::uint32_t pod = masks_.tree().pod_of(leaf);
    const std::uint32_t at = place_of(pod);
    const bool comes = at == met_.pods;
    ++met_.load[at];
    const std::uint32_t needed = spines_needed(met_.load.data(), met_.pods + (comes ? 1 : 0));
    --met_.load[at];
    if (needed == 0) return both;
    std::uint64_t out = 0;
    for (std::uint64_t rest = both; rest != 0;) {
      const std::uint32_t i = next(rest);
      const std::uint64_t spines = comes ? met_.spines[i] & masks_.l2_up(pod, i) : met_.spines[i];
      if (count(spines) >= needed) out |= std::uint64_t{1} << i;
    }
    return out;
  }
  std::uint32_t place_of(std::uint32_t pod) const {
    std::uint32_t at = 0;
    while (at < met_.pods && met_.pod[at] != pod) ++at;
    return at;
  }
  void add(std::uint32_t leaf, std::uint64_t up) {
    const std::uint32_t pod = masks_.tree().pod_of(leaf), at = place_of(pod);
    met_.up = up;
    met_.leaf[met_.leaves++] = leaf;
    ++met_.load[at];
    if (at < met_.pods) return;
    met_.pod[met_.pods++] = pod;
    met_.load[met_.pods] = 0;
    for (std::uint32_t i = 0; i < masks_.tree().l2_per_pod; ++i)
      met_.spines[i] &= masks_.l2_up(pod, i);
  }

  bool choose(std::uint32_t from) {
    met_.up = ones(masks_.tree().l2_per_pod);
    std::fill_n(met_.spines.begin(), masks_.tree().l2_per_pod, ones(masks_.tree().spines_per_l2));
    met_.leaves = met_.pods = met_.load[0] = 0;
    for (std::uint32_t i = from; i < stubs_ && met_.leaves < full_; ++i) {
      if (steps_ > steps_max) return false;
      const std::uint64_t up = meeting(stub_[i], need_);
      if (count(up) >= need_)
        add(stub_[i], up);
      else if (met_.leaves == 0)
        return false;
    }
    return met_.leaves == full_ && (r_ == 0 || choose_remainder());
  }

  // The smallest stub that will do.
  bool choose_remainder() {
    const auto end = met_.leaf.begin() + full_;
    for (std::uint32_t i = stubs_ - at_least_[r_]; i < stubs_; ++i) {
      remainder_ = stub_[i];
      if (std::find(met_.leaf.begin(), end, remainder_) != end) continue;
      of_remainder_ = meeting(remainder_, r_);
      if (count(of_remainder_) >= r_) return true;
      if (steps_ > steps_max) return false;
    }
    return false;
  }

  Cut cut() const {
    Cut out;
    const std::uint64_t r_up = r_ == 0 ? 0 : lowest(of_remainder_, r_);
    const std::uint64_t up = r_up | lowest(met_.up & ~r_up, need_ - r_);
    for (std::uint32_t i = 0; i < full_; ++i)
      out.leaves.push_back({met_.leaf[i], lowest(masks_.hosts(met_.leaf[i]), n_), up});
    if (r_ != 0) out.leaves.push_back({remainder_, lowest(masks_.hosts(remainder_), r_), r_up});
    for (std::uint64_t rest = up; rest != 0; rest &= rest - 1)
      add_spines(out, static_cast<std::uint32_t>(std::countr_zero(rest)));
    out.shape = out.l2.empty() ? Shape::stubs : Shape::stubs_of_pods;
    return out;
  }
  // Of the L2 switches of this index.
  void add_spines(Cut& out, std::uint32_t index) const {
    std::array<std::uint32_t, leaves_max + 1> pods{}, load{};
    std::uint32_t n = 0;
    std::uint64_t common = ones(masks_.tree().spines_per_l2);
    for (const Cut::Leaf& leaf : out.leaves) {
      if ((leaf.up >> index & 1) == 0) continue;
      const std::uint32_t pod = masks_.tree().pod_of(leaf.leaf);
      std::uint32_t at = 0;
      while (at < n && pods[at] != pod) ++at;
      ++load[at];
      if (at < n) continue;
      pods[n++] = pod;
      common &= masks_.l2_up(pod, index);
    }
    const std::uint64_t spines = lowest(common, spines_needed(load.data(), n));
    for (std::uint32_t i = 0; i < n && spines != 0; ++i)
      out.l2.push_back({pods[i] * masks_.tree().l2_per_pod + index, spines});
  }

  const Masks& masks_;
  Search& search_;
  std::uint32_t n_ = 0, full_ = 0, r_ = 0, need_ = 0, remainder_ = 0, steps_ = 0;
  std::uint64_t of_remainder_ = 0;
  Meeting met_;
  std::uint32_t stubs_ = 0;
  std::array<std::uint16_t, leaves_of_tree> stub_;
  std::array<std::uint32_t, 66> at_least_{};  // stubs of n hosts or more
};

}  // namespace

std::optional<Cut> find_stubs(const Masks& masks, std::uint32_t hosts, std::uint32_t leaves,
                              Search& search) {
  if (!search.term || hosts < 2) return std::nullopt;
  return StubsSearch(masks, search).run(hosts, leaves);
}

}  // namespace weft::broker::fabric
