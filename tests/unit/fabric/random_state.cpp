#include "tests/unit/fabric/random_state.hpp"

#include <utility>

namespace weft::broker::fabric {
namespace {

Cut drop(std::vector<Cut>& from, std::uint32_t i) {
  Cut out = std::move(from[i]);
  from.erase(from.begin() + i);
  return out;
}

}  // namespace

RandomState::RandomState(const Tree& tree, std::vector<Policy> policies, std::uint32_t most,
                         std::uint64_t seed)
    : masks_(tree), policies_(std::move(policies)), most_(most), random_(seed) {}

void RandomState::step() {
  const std::uint32_t what = below(100);
  if (what < 8) return fail();
  if (what < 14 && !failed_.empty()) return masks_.give_back(drop(failed_, below(failed_.size())));
  if (what < 45 && !slices_.empty()) return masks_.give_back(drop(slices_, below(slices_.size())));
  // Mostly small ones: a large one leaves little to look at.
  const std::uint32_t most = below(3) == 0 ? most_ : 1 + most_ / 3;
  Allocator allocator(policies_[below(policies_.size())]);
  auto cut = allocator.cut(masks_, 1 + below(most));
  if (!cut) return;
  masks_.take(*cut);
  slices_.push_back(*std::move(cut));
}

Masks RandomState::thinned() {
  const Tree& tree = masks_.tree();
  const auto some = [&](std::uint64_t free, std::uint32_t percent) {
    std::uint64_t out = 0;
    for (; free != 0; free &= free - 1)
      if (below(100) < percent) out |= free & -free;
    return out;
  };
  const std::uint32_t hosts = below(70), up = below(70), spine = below(70);
  Cut taken;
  for (std::uint32_t leaf = 0; leaf < tree.leaves(); ++leaf)
    taken.leaves.push_back({leaf, some(masks_.hosts(leaf), hosts), some(masks_.leaf_up(leaf), up)});
  for (std::uint32_t l2 = 0; l2 < tree.l2(); ++l2)
    taken.l2.push_back({l2, some(masks_.l2_up(l2), spine)});
  Masks out = masks_;
  out.take(taken);
  return out;
}

// A host, an uplink of a leaf or one of an L2 switch, if it is free.
void RandomState::fail() {
  const Tree& tree = masks_.tree();
  const auto bit = [&](std::uint32_t n) { return std::uint64_t{1} << below(n); };
  const std::uint32_t leaf = below(tree.leaves()), l2 = below(tree.l2());
  Cut broken;
  switch (below(3)) {
    case 0:
      broken.leaves.push_back({leaf, bit(tree.hosts_per_leaf) & masks_.hosts(leaf), 0});
      break;
    case 1: broken.leaves.push_back({leaf, 0, bit(tree.l2_per_pod) & masks_.leaf_up(leaf)}); break;
    default: broken.l2.push_back({l2, bit(tree.spines_per_l2) & masks_.l2_up(l2)});
  }
  masks_.take(broken);
  failed_.push_back(std::move(broken));
}

}  // namespace weft::broker::fabric
