#include "broker/fabric/heal/relink.hpp"

#include <algorithm>
#include <map>

namespace weft::broker::fabric {
namespace {

// A slice's leaves by what they are in its shape; positions in its cut.
struct Roles {
  std::uint32_t n = 0;  // hosts of a full leaf
  std::vector<std::size_t> full;
  std::optional<std::size_t> rest;              // the leaf with fewer
  std::map<std::uint32_t, std::uint32_t> pods;  // full leaves, by pod
};

std::optional<Roles> roles_of(const Tree& t, const Cut& cut) {
  Roles out;
  for (const auto& leaf : cut.leaves) out.n = std::max(out.n, count(leaf.hosts));
  for (std::size_t i = 0; i < cut.leaves.size(); ++i) {
    std::uint32_t& full = out.pods[t.pod_of(cut.leaves[i].leaf)];
    if (count(cut.leaves[i].hosts) == out.n) {
      out.full.push_back(i);
      ++full;
      continue;
    }
    if (out.rest) return std::nullopt;  // no shape has two of them
    out.rest = i;
  }
  return out;
}

std::optional<Cut> within_pod(const Masks& free, Cut cut, const Roles& roles) {
  std::uint64_t common = ~std::uint64_t{0};
  for (const std::size_t i : roles.full) common &= free.leaf_up(cut.leaves[i].leaf);
  std::uint64_t few = 0;  // links of the leaf with fewer hosts
  std::uint32_t r = 0;
  if (roles.rest) {
    Cut::Leaf& rest = cut.leaves[*roles.rest];
    r = count(rest.hosts);
    few = pick(common & free.leaf_up(rest.leaf), r, rest.up);
    if (count(few) < r) return std::nullopt;
    rest.up = few;
  }
  const std::uint32_t need = roles.full.size() > 1 ? roles.n : r;
  const std::uint64_t had = cut.leaves[roles.full[0]].up;
  const std::uint64_t all = few | pick(common & ~few, need - r, had);
  if (count(all) < need) return std::nullopt;
  for (const std::size_t i : roles.full) cut.leaves[i].up = all;
  return cut;
}

class AcrossPods {
 public:
  AcrossPods(const Masks& free, const Cut& slice, const Roles& roles)
      : free_(free), t_(free.tree()), slice_(slice), roles_(roles) {}

  std::optional<Cut> run() {
    if (!shape_fits()) return std::nullopt;
    Cut out = slice_;
    out.l2.clear();
    for (const std::size_t i : roles_.full) {
      if (free_.leaf_up(out.leaves[i].leaf) != ones(t_.l2_per_pod)) return std::nullopt;
      out.leaves[i].up = ones(t_.l2_per_pod);
    }
    std::uint64_t few = 0;
    if (roles_.rest) {
      Cut::Leaf& rest = out.leaves[*roles_.rest];
      const std::uint32_t r = count(rest.hosts);
      few = pick(free_.leaf_up(rest.leaf) & one_more(), r, rest.up);
      if (count(few) < r) return std::nullopt;
      rest.up = few;
    }
    for (std::uint32_t i = 0; i < t_.l2_per_pod; ++i)
      if (!tree(i, few >> i & 1, out)) return std::nullopt;
    std::ranges::sort(out.l2, {}, &Cut::L2::l2);
    return out;
  }

 private:
  // Full pods with L full leaves each, and at most one pod with fewer.
  bool shape_fits() {
    if (roles_.n != t_.hosts_per_leaf || t_.hosts_per_leaf != t_.l2_per_pod) return false;
    for (const auto& [pod, full] : roles_.pods) leaves_ = std::max(leaves_, full);
    const auto rest_pod =
        roles_.rest ? std::optional(t_.pod_of(slice_.leaves[*roles_.rest].leaf)) : std::nullopt;
    for (const auto& [pod, full] : roles_.pods) {
      const bool is_rest = full < leaves_ || rest_pod == pod;
      if (!is_rest) {
        full_pods_.push_back(pod);
        continue;
      }
      if (rest_ || full == leaves_) return false;
      rest_ = pod;
      rest_leaves_ = full;
    }
    return !full_pods_.empty() && full_pods_.size() + (rest_ ? 1 : 0) > 1;
  }

  std::uint64_t common(std::uint32_t i) const {
    std::uint64_t out = ~std::uint64_t{0};
    for (const std::uint32_t pod : full_pods_) out &= free_.l2_up(pod, i);
    return out;
  }
  std::uint64_t in_rest(std::uint32_t i) const { return free_.l2_up(*rest_, i) & common(i); }
  // Trees with room for the remainder leaf beside the full leaves of its pod.
  std::uint64_t one_more() const {
    std::uint64_t out = 0;
    for (std::uint32_t i = 0; i < t_.l2_per_pod; ++i)
      if (count(in_rest(i)) > rest_leaves_) out |= std::uint64_t{1} << i;
    return out;
  }
  std::uint64_t had(std::uint32_t l2) const {
    const auto it = std::ranges::find(slice_.l2, l2, &Cut::L2::l2);
    return it == slice_.l2.end() ? 0 : it->up;
  }

  bool tree(std::uint32_t i, bool rest_leaf, Cut& out) const {
    std::uint64_t few = 0;
    if (rest_) {
      const std::uint32_t need = rest_leaves_ + (rest_leaf ? 1 : 0),
                          l2 = *rest_ * t_.l2_per_pod + i;
      few = pick(in_rest(i), need, had(l2));
      if (count(few) < need) return false;
      if (few != 0) out.l2.push_back({l2, few});
    }
    const bool alone = full_pods_.size() == 1;
    const std::uint32_t need = alone ? count(few) : leaves_;
    const std::uint32_t first = full_pods_[0] * t_.l2_per_pod + i;
    const std::uint64_t all = few | pick(common(i) & ~few, need - count(few), had(first));
    if (count(all) < need) return false;
    for (const std::uint32_t pod : full_pods_)
      if (all != 0) out.l2.push_back({pod * t_.l2_per_pod + i, all});
    return true;
  }

  const Masks& free_;
  const Tree& t_;
  const Cut& slice_;
  const Roles& roles_;
  std::uint32_t leaves_ = 0, rest_leaves_ = 0;
  std::vector<std::uint32_t> full_pods_;
  std::optional<std::uint32_t> rest_;
};

}  // namespace

std::uint64_t pick(std::uint64_t from, std::uint32_t n, std::uint64_t prefer) {
  const std::uint64_t kept = lowest(from & prefer, n);
  return kept | lowest(from & ~kept, n - count(kept));
}

std::optional<Cut> relink(const Masks& free, const Cut& slice) {
  if (slice.leaves.size() == 1) {
    Cut out = slice;
    out.leaves[0].up = 0;
    out.l2.clear();
    return out;
  }
  if (slice.shape == Shape::owned || slice.shape == Shape::any) return std::nullopt;
  const auto roles = roles_of(free.tree(), slice);
  if (!roles) return std::nullopt;
  if (roles->pods.size() > 1) return AcrossPods(free, slice, *roles).run();
  Cut out = slice;
  out.l2.clear();
  return within_pod(free, std::move(out), *roles);
}

}  // namespace weft::broker::fabric
