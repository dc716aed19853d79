// Shapes A and B: a leaf, and a pod.
#include <algorithm>
#include <array>

#include "broker/fabric/tree/shapes.hpp"

namespace weft::broker::fabric {
namespace {

// L full leaves of n hosts with the same n uplinks, and at most one leaf of r hosts whose r uplinks
// are among those. With a single full leaf only the r uplinks that both use are needed.
class PodSearch {
 public:
  PodSearch(const Masks& masks, Search& search) : masks_(masks), search_(search) {}

  std::optional<Cut> run(std::uint32_t pod, std::uint32_t n, std::uint32_t full, std::uint32_t r) {
    n_ = n, full_ = full, r_ = r;
    need_ = full == 1 ? r : n;
    first_ = pod * masks_.tree().leaves_per_pod;
    steps_ = candidates_ = 0;
    for (std::uint32_t leaf = first_; leaf < first_ + masks_.tree().leaves_per_pod; ++leaf)
      if (masks_.free_on(leaf) >= n && masks_.uplinks_on(leaf) >= need_)
        candidate_[candidates_++] = leaf;
    if (candidates_ < full) return std::nullopt;
    std::sort(candidate_.begin(), candidate_.begin() + candidates_,
              [&](std::uint32_t a, std::uint32_t b) { return fit(a) < fit(b); });
    if (!choose(0, 0, ones(masks_.tree().l2_per_pod))) return std::nullopt;
    return cut();
  }

 private:
  std::array<std::uint32_t, 3> fit(std::uint32_t leaf) const {
    return {masks_.free_on(leaf), masks_.uplinks_on(leaf), leaf};
  }

  bool choose(std::uint32_t depth, std::uint32_t from, std::uint64_t common) {
    if (++steps_ > search_.steps_max) {
      search_.limit_hit = true;
      return false;
    }
    if (depth == full_) return finish(common);
    for (std::uint32_t i = from; i + (full_ - depth) <= candidates_; ++i) {
      const std::uint64_t narrowed = common & masks_.leaf_up(candidate_[i]);
      if (count(narrowed) < need_) continue;
      chosen_[depth] = candidate_[i];
      if (choose(depth + 1, i + 1, narrowed)) return true;
      if (steps_ > search_.steps_max) return false;
    }
    return false;
  }

  bool finish(std::uint64_t common) {
    common_ = common;
    if (r_ == 0) return true;
    const auto chosen_end = chosen_.begin() + full_;
    bool found = false;
    std::int64_t least = 0;
    for (std::uint32_t leaf = first_; leaf < first_ + masks_.tree().leaves_per_pod; ++leaf) {
      const std::uint32_t hosts = masks_.free_on(leaf);
      if (hosts < r_ || count(masks_.leaf_up(leaf) & common) < r_) continue;
      const std::int64_t price = cost(masks_, search_, leaf, r_);
      if (found && price >= least) continue;
      if (std::find(chosen_.begin(), chosen_end, leaf) != chosen_end) continue;
      remainder_ = leaf, least = price;
      found = true;
    }
    return found;
  }

  Cut cut() const {
    Cut out;
    out.shape = Shape::pod;
    const std::uint64_t of_remainder =
        r_ == 0 ? 0 : lowest(masks_.leaf_up(remainder_) & common_, r_);
    const std::uint64_t up = of_remainder | lowest(common_ & ~of_remainder, need_ - r_);
    for (std::uint32_t i = 0; i < full_; ++i)
      out.leaves.push_back({chosen_[i], lowest(masks_.hosts(chosen_[i]), n_), up});
    if (r_ != 0)
      out.leaves.push_back({remainder_, lowest(masks_.hosts(remainder_), r_), of_remainder});
    return out;
  }

  const Masks& masks_;
  Search& search_;
  std::uint32_t n_ = 0, full_ = 0, r_ = 0, need_ = 0, first_ = 0;
  std::uint32_t steps_ = 0, candidates_ = 0, remainder_ = 0;
  std::uint64_t common_ = 0;
  std::array<std::uint32_t, 64> candidate_{}, chosen_{};
};

}  // namespace

std::optional<Cut> find_leaf(const Masks& masks, std::uint32_t hosts, const Search& search) {
  if (hosts > masks.tree().hosts_per_leaf) return std::nullopt;
  std::optional<std::uint32_t> best;
  std::int64_t least = 0;
  std::uint32_t least_up = 0;
  for (std::uint32_t leaf = 0; leaf < masks.tree().leaves(); ++leaf) {
    if (masks.free_on(leaf) < hosts) continue;
    const std::int64_t price = cost(masks, search, leaf, hosts);
    const std::uint32_t up = masks.uplinks_on(leaf);
    if (best && (price > least || (price == least && up >= least_up))) continue;
    best = leaf, least = price, least_up = up;
  }
  if (!best) return std::nullopt;
  Cut out;
  out.leaves.push_back({*best, lowest(masks.hosts(*best), hosts), 0});
  return out;
}

std::optional<Cut> find_pod(const Masks& masks, std::uint32_t hosts, Search& search) {
  const Tree& tree = masks.tree();
  if (hosts > tree.hosts_per_leaf * tree.leaves_per_pod) return std::nullopt;
  std::array<std::uint32_t, 64> pods{};
  std::uint32_t found = 0;
  for (std::uint32_t pod = 0; pod < tree.pods; ++pod)
    if (masks.free_hosts(pod) >= hosts) pods[found++] = pod;
  std::stable_sort(pods.begin(), pods.begin() + found, [&](std::uint32_t a, std::uint32_t b) {
    return masks.free_hosts(a) < masks.free_hosts(b);
  });
  PodSearch search_pod(masks, search);
  for (std::uint32_t n = std::min({hosts, tree.hosts_per_leaf, tree.l2_per_pod}); n >= 1; --n) {
    const std::uint32_t full = hosts / n, r = hosts % n;
    if (full + (r > 0 ? 1 : 0) > tree.leaves_per_pod) break;
    if (full == 1 && r == 0) continue;
    for (std::uint32_t i = 0; i < found; ++i)
      if (auto cut = search_pod.run(pods[i], n, full, r)) return cut;
  }
  return std::nullopt;
}

}  // namespace weft::broker::fabric
