// Shape C: several pods, of whole leaves but for one.
#include <algorithm>
#include <array>

#include "broker/fabric/tree/shapes.hpp"

namespace weft::broker::fabric {
namespace {

using Commons =
    std::array<std::uint64_t, 64>;  // by L2 index: spines that all chosen pods can reach

// T full pods with L whole leaves each; a remainder pod with L_r < L whole leaves and at most one
// leaf of r hosts. In each full pod the L2 of index i has the same L spine uplinks; those of the
// remainder pod are among them, one for each leaf that uses index i.
class PodsSearch {
 public:
  PodsSearch(const Masks& masks, Search& search)
      : masks_(masks), tree_(masks.tree()), search_(search) {
    for (std::uint32_t pod = 0; pod < tree_.pods; ++pod) {
      free_leaves_ += masks_.free_leaves(pod);
      if (masks_.free_leaves(pod) > 0) candidate_[candidates_++] = pod;
    }
  }
  std::uint32_t free_leaves() const { return free_leaves_; }

  // Fewest free leaves first. Before run().
  void sort() {
    std::sort(candidate_.begin(), candidate_.begin() + candidates_,
              [&](std::uint32_t a, std::uint32_t b) {
                const auto fa = masks_.free_leaves(a), fb = masks_.free_leaves(b);
                return fa != fb ? fa < fb : a < b;
              });
  }

  std::optional<Cut> run(std::uint32_t pods, std::uint32_t full, std::uint32_t rest,
                         std::uint32_t r) {
    pods_ = pods, full_ = full, rest_ = rest, r_ = r;
    steps_ = 0;
    first_ = 0;
    while (first_ < candidates_ && masks_.free_leaves(candidate_[first_]) < full) ++first_;
    if (candidates_ - first_ < pods || !collect_remainders()) return std::nullopt;
    Commons all;
    all.fill(ones(tree_.spines_per_l2));
    if (!choose(0, first_, all)) return std::nullopt;
    return cut();
  }

 private:
  // The pods that could hold the remainder if its links were free. False: there is none.
  bool collect_remainders() {
    remainders_ = 0;
    if (rest_ == 0 && r_ == 0) return true;
    for (std::uint32_t pod = 0; pod < tree_.pods; ++pod) {
      const std::uint32_t whole = masks_.free_leaves(pod);
      if (whole < rest_ || masks_.free_hosts(pod) < rest_ * tree_.hosts_per_leaf + r_) continue;
      if (masks_.fewest_spines(pod) < rest_) continue;
      if (r_ > 0 && leaves_of_remainder(pod) == 0) continue;
      remainder_pods_[remainders_++] = pod;
    }
    return remainders_ > 0;
  }
  // Those that could be its partial leaf: not a free one where all of them are needed whole.
  std::uint64_t leaves_of_remainder(std::uint32_t pod) const {
    const std::uint64_t all = masks_.with_hosts(pod, r_) & masks_.with_uplinks(pod, r_);
    if (masks_.free_leaves(pod) > rest_) return all;
    return all & ~(masks_.with_hosts(pod, tree_.hosts_per_leaf) &
                   masks_.with_uplinks(pod, tree_.l2_per_pod));
  }

  bool choose(std::uint32_t depth, std::uint32_t from, const Commons& common) {
    if (++steps_ > search_.steps_max) {
      search_.limit_hit = true;
      return false;
    }
    if (depth == pods_) return finish(common);
    const std::uint32_t need = pods_ == 1 ? rest_ : full_;
    for (std::uint32_t i = from; i + (pods_ - depth) <= candidates_; ++i) {
      if (masks_.fewest_spines(candidate_[i]) < need) continue;
      Commons narrowed;
      bool enough = true;
      for (std::uint32_t l2 = 0; l2 < tree_.l2_per_pod && enough; ++l2) {
        narrowed[l2] = common[l2] & masks_.l2_up(candidate_[i], l2);
        enough = count(narrowed[l2]) >= need;
      }
      if (!enough) continue;
      chosen_[depth] = candidate_[i];
      if (choose(depth + 1, i + 1, narrowed)) return true;
      if (steps_ > search_.steps_max) return false;
    }
    return false;
  }

  bool finish(const Commons& common) {
    common_ = common;
    if (rest_ == 0 && r_ == 0) return true;
    // With a term the best leaf of all pods, whichever pod it is in.
    std::optional<std::uint32_t> best;
    std::int64_t least = 0;
    for (std::uint32_t i = 0; i < remainders_; ++i) {
      const std::uint32_t pod = remainder_pods_[i];
      const std::uint32_t free = masks_.free_hosts(pod);
      if (best && !search_.term && free >= masks_.free_hosts(*best)) continue;
      if (std::find(chosen_.begin(), chosen_.begin() + pods_, pod) != chosen_.begin() + pods_)
        continue;
      const auto leaf = remainder_in(pod);
      if (!leaf) continue;
      const std::int64_t price = r_ == 0 ? 0 : cost(masks_, search_, *leaf, r_);
      if (best && search_.term &&
          std::pair(price, free) >= std::pair(least, masks_.free_hosts(*best)))
        continue;
      best = pod, least = price, remainder_ = *leaf;
    }
    if (best) remainder_pod_ = *best;
    return best.has_value();
  }

  // The leaf of r hosts in this pod (any value when r is 0); none: the pod will not do.
  std::optional<std::uint32_t> remainder_in(std::uint32_t pod) const {
    std::uint64_t one_more = 0;
    for (std::uint32_t l2 = 0; l2 < tree_.l2_per_pod; ++l2) {
      const std::uint32_t spines = count(masks_.l2_up(pod, l2) & common_[l2]);
      if (spines < rest_) return std::nullopt;
      if (spines > rest_) one_more |= std::uint64_t{1} << l2;
    }
    if (r_ == 0) return 0;
    std::optional<std::uint32_t> best;
    std::int64_t least = 0;
    const std::uint32_t first = pod * tree_.leaves_per_pod;
    for (std::uint64_t left = leaves_of_remainder(pod); left != 0;) {
      const std::uint32_t leaf = first + next(left);
      if (count(masks_.leaf_up(leaf) & one_more) < r_) continue;
      const std::int64_t price = cost(masks_, search_, leaf, r_);
      if (best && price >= least) continue;
      best = leaf, least = price;
    }
    return best;
  }

  void add_whole_leaves(Cut& out, std::uint32_t pod, std::uint32_t wanted,
                        std::optional<std::uint32_t> but) const {
    for (std::uint32_t leaf = pod * tree_.leaves_per_pod; wanted > 0; ++leaf) {
      if (!masks_.leaf_is_free(leaf) || leaf == but) continue;
      out.leaves.push_back({leaf, ones(tree_.hosts_per_leaf), ones(tree_.l2_per_pod)});
      --wanted;
    }
  }

  Cut cut() const {
    Cut out;
    out.shape = Shape::pods;
    out.leaves.reserve(pods_ * full_ + rest_ + 1);
    out.l2.reserve((pods_ + 1) * tree_.l2_per_pod);
    for (std::uint32_t i = 0; i < pods_; ++i) add_whole_leaves(out, chosen_[i], full_, {});
    const bool remainder = rest_ > 0 || r_ > 0;
    std::uint64_t one_more = 0;  // L2 indices that the leaf of r hosts uses
    if (remainder) {
      add_whole_leaves(out, remainder_pod_, rest_,
                       r_ > 0 ? std::optional(remainder_) : std::nullopt);
      if (r_ > 0) {
        for (std::uint32_t l2 = 0; l2 < tree_.l2_per_pod; ++l2)
          if (count(masks_.l2_up(remainder_pod_, l2) & common_[l2]) > rest_)
            one_more |= std::uint64_t{1} << l2;
        one_more = lowest(masks_.leaf_up(remainder_) & one_more, r_);
        out.leaves.push_back({remainder_, lowest(masks_.hosts(remainder_), r_), one_more});
      }
    }
    for (std::uint32_t l2 = 0; l2 < tree_.l2_per_pod; ++l2) {
      const std::uint32_t used = remainder ? rest_ + (one_more >> l2 & 1) : 0;
      const std::uint64_t of_remainder =
          remainder ? lowest(masks_.l2_up(remainder_pod_, l2) & common_[l2], used) : 0;
      const std::uint64_t of_full =
          pods_ == 1 ? of_remainder
                     : of_remainder | lowest(common_[l2] & ~of_remainder, full_ - used);
      if (of_full != 0)
        for (std::uint32_t i = 0; i < pods_; ++i)
          out.l2.push_back({chosen_[i] * tree_.l2_per_pod + l2, of_full});
      if (of_remainder != 0)
        out.l2.push_back({remainder_pod_ * tree_.l2_per_pod + l2, of_remainder});
    }
    return out;
  }

  const Masks& masks_;
  const Tree& tree_;
  Search& search_;
  std::uint32_t pods_ = 0, full_ = 0, rest_ = 0, r_ = 0;
  std::uint32_t steps_ = 0, candidates_ = 0, first_ = 0, free_leaves_ = 0, remainders_ = 0,
                remainder_ = 0, remainder_pod_ = 0;
  Commons common_;
  std::array<std::uint32_t, 64> candidate_, chosen_, remainder_pods_;
};

}  // namespace

std::optional<Cut> find_pods(const Masks& masks, std::uint32_t hosts, Search& search) {
  const Tree& tree = masks.tree();
  if (tree.hosts_per_leaf != tree.l2_per_pod) return std::nullopt;
  const std::uint32_t whole = hosts / tree.hosts_per_leaf, r = hosts % tree.hosts_per_leaf;
  if (whole == 0) return std::nullopt;
  PodsSearch search_pods(masks, search);
  if (search_pods.free_leaves() < whole) return std::nullopt;
  search_pods.sort();
  for (std::uint32_t full = std::min({tree.leaves_per_pod, tree.spines_per_l2, whole}); full >= 1;
       --full) {
    const std::uint32_t pods = whole / full;
    if (pods > tree.pods) break;
    if (auto cut = search_pods.run(pods, full, whole % full, r)) return cut;
  }
  return std::nullopt;
}

}  // namespace weft::broker::fabric
