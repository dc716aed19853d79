#include "broker/fabric/heal/heal.hpp"

#include <algorithm>

namespace weft::broker::fabric {

std::optional<Cut> rewire(const Masks& free, const Cut& cut) {
  if (cut.shape == Shape::leaf) return cut;
  if (cut.shape != Shape::pod) return {};
  Cut out = cut;
  std::uint32_t n = 0, full = 0, need = 0, rest = 0;
  for (const Cut::Leaf& leaf : cut.leaves) n = std::max(n, count(leaf.hosts));
  std::uint64_t common = ones(free.tree().l2_per_pod);
  for (const Cut::Leaf& leaf : cut.leaves) {
    if (count(leaf.hosts) == n) {
      ++full;
      common &= free.leaf_up(leaf.leaf);
    } else {
      rest = count(leaf.hosts);
    }
  }
  need = full == 1 ? rest : n;
  if (count(common) < need) return {};
  std::uint64_t of_rest = 0;
  for (Cut::Leaf& leaf : out.leaves) {
    if (count(leaf.hosts) == n) continue;
    of_rest = lowest(free.leaf_up(leaf.leaf) & common, rest);
    if (count(of_rest) < rest) return {};
    leaf.up = of_rest;
  }
  const std::uint64_t up = of_rest | lowest(common & ~of_rest, need - count(of_rest));
  for (Cut::Leaf& leaf : out.leaves)
    if (count(leaf.hosts) == n) leaf.up = up;
  return out;
}

}  // namespace weft::broker::fabric
