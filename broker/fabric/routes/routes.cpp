#include "broker/fabric/routes/routes.hpp"

#include <cstdint>

namespace weft::broker::fabric {
namespace {

// The n-th set bit, counted round; mask is not 0.
std::uint32_t nth(std::uint64_t mask, std::uint32_t n) {
  for (n %= count(mask); n > 0; --n) mask &= mask - 1;
  return static_cast<std::uint32_t>(std::countr_zero(mask));
}

}  // namespace

Routes::Routes(const Masks& present, std::span<const Placed> slices)
    : present_(present), slices_(slices) {
  const Tree& t = present.tree();
  owner_.assign(t.hosts(), SIZE_MAX);
  rank_of_host_.resize(t.hosts());
  rank_of_leaf_.resize(t.hosts());
  for (std::uint32_t h = 0; h < t.hosts(); ++h) {
    rank_of_host_[h] = h % t.hosts_per_leaf;
    rank_of_leaf_[h] = h / t.hosts_per_leaf;
  }
  leaf_up_.resize(slices.size());
  l2_up_.resize(slices.size());
  for (std::size_t s = 0; s < slices.size(); ++s) {
    for (const Cut::L2& l2 : slices[s].cut.l2) {
      l2_up_[s].resize(t.l2(), 0);
      l2_up_[s][l2.l2] = l2.up;
    }
    std::uint32_t rank = 0;
    for (const Cut::Leaf& leaf : slices[s].cut.leaves) {
      leaf_up_[s].resize(t.leaves(), 0);
      leaf_up_[s][leaf.leaf] = leaf.up;
      std::uint32_t of_host = 0;
      for (std::uint32_t slot = 0; slot < t.hosts_per_leaf; ++slot) {
        if ((leaf.hosts >> slot & 1) == 0) continue;
        const std::uint32_t host = leaf.leaf * t.hosts_per_leaf + slot;
        owner_[host] = s;
        rank_of_host_[host] = of_host++;
        rank_of_leaf_[host] = rank;
      }
      ++rank;
    }
  }
}

std::uint64_t Routes::leaf_up(std::size_t slice, std::uint32_t leaf) const {
  return slice == SIZE_MAX || leaf_up_[slice].empty() ? 0 : leaf_up_[slice][leaf];
}
std::uint64_t Routes::l2_up(std::size_t slice, std::uint32_t l2) const {
  return slice == SIZE_MAX || l2_up_[slice].empty() ? 0 : l2_up_[slice][l2];
}

Hop Routes::next(At at, std::uint32_t host) const {
  const Tree& t = present_.tree();
  const std::uint32_t leaf = host / t.hosts_per_leaf, pod = t.pod_of(leaf);
  switch (at.tier) {
    case Tier::leaf:
      if (at.index != leaf) return up_from_leaf(at.index, host);
      return {Hop::Way::down, host % t.hosts_per_leaf};
    case Tier::l2:
      if (at.index / t.l2_per_pod != pod) return up_from_l2(at.index, host);
      if ((present_.leaf_up(leaf) >> at.index % t.l2_per_pod & 1) == 0) return {};
      return {Hop::Way::down, leaf % t.leaves_per_pod};
    case Tier::spine: {
      const std::uint32_t tree_index = at.index / t.spines_per_l2, j = at.index % t.spines_per_l2;
      if ((present_.l2_up(pod, tree_index) >> j & 1) == 0) return {};
      return {Hop::Way::down, pod};
    }
  }
  return {};
}

Hop Routes::up_from_leaf(std::uint32_t leaf, std::uint32_t host) const {
  const Tree& t = present_.tree();
  const std::uint32_t to = host / t.hosts_per_leaf;
  const std::uint32_t from_pod = t.pod_of(leaf), to_pod = t.pod_of(to);
  const std::size_t slice = owner_[host];
  std::uint64_t ways = leaf_up(slice, leaf) & leaf_up(slice, to);
  for (std::uint32_t i = 0; i < t.l2_per_pod && from_pod != to_pod; ++i)
    if ((l2_up(slice, from_pod * t.l2_per_pod + i) & l2_up(slice, to_pod * t.l2_per_pod + i)) == 0)
      ways &= ~(std::uint64_t{1} << i);
  if (ways != 0) return {Hop::Way::up, nth(ways, rank_of_host_[host])};
  // No traffic of a slice: what manages the fabric must get everywhere, over any links.
  const std::uint64_t there = present_.leaf_up(leaf);
  std::uint64_t both = 0;
  for (std::uint32_t i = 0; i < t.l2_per_pod; ++i) {
    const std::uint64_t one = std::uint64_t{1} << i;
    if ((there & present_.leaf_up(to) & one) == 0) continue;
    if (from_pod != to_pod && (present_.l2_up(from_pod, i) & present_.l2_up(to_pod, i)) == 0)
      continue;
    both |= one;
  }
  if (both == 0) return {};
  if (const std::uint64_t own = leaf_up(slice, to) & both; own != 0)
    return {Hop::Way::up, nth(own, rank_of_host_[host])};
  return {Hop::Way::up, nth(both, host % t.hosts_per_leaf)};
}

Hop Routes::up_from_l2(std::uint32_t l2, std::uint32_t host) const {
  const Tree& t = present_.tree();
  const std::uint32_t leaf = host / t.hosts_per_leaf, i = l2 % t.l2_per_pod;
  const std::uint32_t target = t.pod_of(leaf) * t.l2_per_pod + i;
  const std::size_t slice = owner_[host];
  if (const std::uint64_t ways = l2_up(slice, l2) & l2_up(slice, target); ways != 0)
    return {Hop::Way::up, nth(ways, rank_of_leaf_[host])};
  const std::uint64_t both = present_.l2_up(l2) & present_.l2_up(target);
  if (both == 0 || (present_.leaf_up(leaf) >> i & 1) == 0) return {};
  if (const std::uint64_t own = l2_up(slice, target) & both; own != 0)
    return {Hop::Way::up, nth(own, rank_of_leaf_[host])};
  return {Hop::Way::up, nth(both, leaf)};
}

}  // namespace weft::broker::fabric
