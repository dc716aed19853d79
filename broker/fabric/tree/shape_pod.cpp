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
    std::uint64_t leaves = masks_.with_hosts(pod, n) & masks_.with_uplinks(pod, need_);
    if (count(leaves) < full) return std::nullopt;
    // Full leaves could be the remainder too, as need_ >= r: it takes one more than they are.
    for_remainder_ = masks_.with_hosts(pod, r) & masks_.with_uplinks(pod, r);
    if (r > 0 && count(for_remainder_) <= full) return std::nullopt;
    leaves = useful(leaves);
    if (count(leaves) < full) return std::nullopt;
    while (leaves != 0) candidate_[candidates_++] = fit(first_ + next(leaves));
    std::sort(candidate_.begin(), candidate_.begin() + candidates_);
    for (std::uint32_t i = 0; i < candidates_; ++i) candidate_[i] &= 0xffff;
    if (!choose(0, 0, ones(masks_.tree().l2_per_pod))) return std::nullopt;
    return cut();
  }

 private:
  // Fewest free hosts first, then uplinks, then the lower leaf, which is in the low 16 bits.
  std::uint32_t fit(std::uint32_t leaf) const {
    return masks_.free_on(leaf) << 24 | masks_.uplinks_on(leaf) << 16 | leaf;
  }

  // Without the leaves that can't be in any choice: what full_ leaves have in common are uplinks
  // that full_ leaves have at all. Counts all uplinks at once: digit d of the count of uplink i is
  // bit i of digit[d].
  std::uint64_t useful(std::uint64_t leaves) const {
    for (;;) {
      std::array<std::uint64_t, 7> digit{};
      for (std::uint64_t rest = leaves; rest != 0;) {
        std::uint64_t carry = masks_.leaf_up(first_ + next(rest));
        for (std::size_t d = 0; carry != 0; ++d) {
          const std::uint64_t both = digit[d] & carry;
          digit[d] ^= carry;
          carry = both;
        }
      }
      std::uint64_t more = 0, equal = ~std::uint64_t{0};
      for (std::size_t d = digit.size(); d-- > 0;) {
        const std::uint64_t wanted = (full_ >> d & 1) != 0 ? ~std::uint64_t{0} : 0;
        more |= equal & digit[d] & ~wanted;
        equal &= ~(digit[d] ^ wanted);
      }
      const std::uint64_t common = more | equal;
      std::uint64_t kept = leaves;
      for (std::uint64_t rest = leaves; rest != 0;) {
        const std::uint32_t i = next(rest);
        if (count(masks_.leaf_up(first_ + i) & common) < need_) kept &= ~(std::uint64_t{1} << i);
      }
      if (kept == leaves || count(kept) < full_) return kept;
      leaves = kept;
    }
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
    bool found = false;
    std::int64_t least = 0;
    std::uint64_t left = for_remainder_;
    for (std::uint32_t i = 0; i < full_; ++i) left &= ~(std::uint64_t{1} << (chosen_[i] - first_));
    while (left != 0) {
      const std::uint32_t leaf = first_ + next(left);
      if (count(masks_.leaf_up(leaf) & common) < r_) continue;
      const std::int64_t price = cost(masks_, search_, leaf, r_);
      if (found && price >= least) continue;
      remainder_ = leaf, least = price;
      found = true;
    }
    return found;
  }

  Cut cut() const {
    Cut out;
    out.shape = Shape::pod;
    out.leaves.reserve(full_ + 1);
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
  std::uint64_t common_ = 0, for_remainder_ = 0;
  std::array<std::uint32_t, 64> candidate_, chosen_;
};

}  // namespace

std::optional<Cut> find_leaf(const Masks& masks, std::uint32_t hosts, const Search& search) {
  if (hosts > masks.tree().hosts_per_leaf) return std::nullopt;
  std::optional<std::uint32_t> best;
  std::int64_t least = 0;
  std::uint32_t least_up = 0;
  for (std::uint32_t pod = 0; pod < masks.tree().pods; ++pod)
    for (std::uint64_t rest = masks.with_hosts(pod, hosts); rest != 0;) {
      const std::uint32_t leaf = pod * masks.tree().leaves_per_pod + next(rest);
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
  std::array<std::uint32_t, 64> pods;  // free hosts, and the pod in the low 16 bits
  std::uint32_t found = 0;
  for (std::uint32_t pod = 0; pod < tree.pods; ++pod)
    if (masks.free_hosts(pod) >= hosts) pods[found++] = masks.free_hosts(pod) << 16 | pod;
  std::sort(pods.begin(), pods.begin() + found);
  PodSearch search_pod(masks, search);
  for (std::uint32_t n = std::min({hosts, tree.hosts_per_leaf, tree.l2_per_pod}); n >= 1; --n) {
    const std::uint32_t full = hosts / n, r = hosts % n;
    if (full + (r > 0 ? 1 : 0) > tree.leaves_per_pod) break;
    if (full == 1 && r == 0) continue;
    for (std::uint32_t i = 0; i < found; ++i)
      if (auto cut = search_pod.run(pods[i] & 0xffff, n, full, r)) return cut;
  }
  return std::nullopt;
}

}  // namespace weft::broker::fabric
