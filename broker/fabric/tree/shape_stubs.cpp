// Shape E: a slice of stubs, the hosts left over on leaves that others use.
#include <algorithm>
#include <array>
#include <vector>

#include "broker/fabric/tree/shapes.hpp"

namespace weft::broker::fabric {
namespace {

constexpr std::uint32_t leaves_max = 32;  // of such a slice

// The leaves chosen so far, and the links that all of them have in common.
struct Meeting {
  std::uint64_t up = 0;                                         // uplinks by which all can meet
  std::array<std::uint64_t, 64> spines{};                       // by L2 index: common to all pods
  std::array<std::uint32_t, leaves_max> leaf{}, pod{}, load{};  // load: leaves chosen in the pod
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
    collect();
    leaves = std::min(leaves, leaves_max);
    for (n_ = std::min({hosts - 1, tree.hosts_per_leaf, tree.l2_per_pod}); n_ >= 1; --n_) {
      full_ = hosts / n_, r_ = hosts % n_;
      if (full_ + (r_ > 0 ? 1 : 0) > leaves) break;
      need_ = full_ == 1 ? r_ : n_;
      if (at_least_[n_] < full_ || (r_ > 0 && at_least_[r_] < full_ + 1)) continue;
      const std::size_t first = stubs_.size() - at_least_[n_];
      for (std::size_t from = first; from + full_ <= stubs_.size(); ++from)
        if (choose(from)) return cut();
      if (steps_ > steps_max) break;
    }
    return std::nullopt;
  }

 private:
  static constexpr std::uint32_t steps_max = 60;
  struct Stub {
    std::uint32_t leaf, hosts;
  };

  // Stubs by hosts, fewest first. Only leaves that others keep anyhow for nearly as long as we
  // would: so we put off no leaf's becoming whole again.
  void collect() {
    const Term& term = *search_.term;
    const std::int64_t until = term.end_s - (term.end_s - term.now_s) / 5;
    std::array<std::uint32_t, 65> of{};
    const Tree& tree = masks_.tree();
    const auto good = [&](std::uint32_t leaf) {
      return masks_.free_on(leaf) != 0 && masks_.uplinks_on(leaf) != 0 &&
             masks_.busy_until(leaf) >= until;
    };
    for (std::uint32_t leaf = 0; leaf < tree.leaves(); ++leaf)
      if (good(leaf)) stubs_.push_back({leaf, masks_.free_on(leaf)});
    std::stable_sort(stubs_.begin(), stubs_.end(),
                     [](const Stub& a, const Stub& b) { return a.hosts < b.hosts; });
    for (const Stub& stub : stubs_) ++of[stub.hosts];
    for (std::size_t n = 64; n-- > 0;) at_least_[n] = of[n] + (n == 63 ? of[64] : at_least_[n + 1]);
  }

  // The uplinks by which this leaf can meet those chosen.
  std::uint64_t meeting(std::uint32_t leaf, std::uint32_t wanted) {
    const std::uint64_t both = met_.up & masks_.leaf_up(leaf);
    if (count(both) < wanted) return 0;
    ++steps_;
    const std::uint32_t pod = masks_.tree().pod_of(leaf);
    const std::uint32_t at = place_of(pod);
    auto load = met_.load;
    ++load[at];
    const bool comes = at == met_.pods;
    const std::uint32_t needed = spines_needed(load.data(), met_.pods + (comes ? 1 : 0));
    if (needed == 0) return both;
    std::uint64_t out = 0;
    for (std::uint64_t rest = both; rest != 0; rest &= rest - 1) {
      const auto i = static_cast<std::uint32_t>(std::countr_zero(rest));
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
    for (std::uint32_t i = 0; i < masks_.tree().l2_per_pod; ++i)
      met_.spines[i] &= masks_.l2_up(pod, i);
  }

  bool choose(std::size_t from) {
    met_ = {};
    met_.up = ones(masks_.tree().l2_per_pod);
    met_.spines.fill(ones(masks_.tree().spines_per_l2));
    for (std::size_t i = from; i < stubs_.size() && met_.leaves < full_; ++i) {
      if (steps_ > steps_max) return false;
      const std::uint64_t up = meeting(stubs_[i].leaf, need_);
      if (count(up) >= need_)
        add(stubs_[i].leaf, up);
      else if (met_.leaves == 0)
        return false;
    }
    return met_.leaves == full_ && (r_ == 0 || choose_remainder());
  }

  // The smallest stub that will do.
  bool choose_remainder() {
    const auto end = met_.leaf.begin() + full_;
    for (std::size_t i = stubs_.size() - at_least_[r_]; i < stubs_.size(); ++i) {
      remainder_ = stubs_[i].leaf;
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
  std::vector<Stub> stubs_;
  std::array<std::uint32_t, 65> at_least_{};  // stubs of n hosts or more
};

}  // namespace

std::optional<Cut> find_stubs(const Masks& masks, std::uint32_t hosts, std::uint32_t leaves,
                              Search& search) {
  if (!search.term || hosts < 2) return std::nullopt;
  return StubsSearch(masks, search).run(hosts, leaves);
}

}  // namespace weft::broker::fabric
