#include "broker/fabric/model/fabric.hpp"

namespace weft::broker::fabric {
namespace {

std::uint64_t bit(std::uint32_t i) { return std::uint64_t{1} << i; }

// What this rail has no host or link for.
Cut absent(const Rail& rail, bool reserved_too) {
  const Tree& t = rail.tree;
  Cut out;
  for (std::uint32_t l = 0; l < t.leaves(); ++l) {
    Cut::Leaf leaf{l, 0, 0};
    for (std::uint32_t slot = 0; slot < t.hosts_per_leaf; ++slot) {
      const Host& host = rail.hosts[l * t.hosts_per_leaf + slot];
      const bool there = !host.name.empty() && rail.leaves[l].down[slot] != 0;
      if (!there || (reserved_too && host.reserved)) leaf.hosts |= bit(slot);
    }
    for (std::uint32_t i = 0; i < t.l2_per_pod; ++i) {
      const Switch& l2 = rail.l2[t.pod_of(l) * t.l2_per_pod + i];
      if (rail.leaves[l].up[i] == 0 || l2.down[l % t.leaves_per_pod] == 0) leaf.up |= bit(i);
    }
    if (leaf.hosts != 0 || leaf.up != 0) out.leaves.push_back(leaf);
  }
  for (std::uint32_t s = 0; s < t.l2(); ++s) {
    Cut::L2 l2{s, 0};
    for (std::uint32_t j = 0; j < t.spines_per_l2; ++j) {
      const Switch& spine = rail.spines[s % t.l2_per_pod * t.spines_per_l2 + j];
      if (rail.l2[s].up[j] == 0 || spine.down[s / t.l2_per_pod] == 0) l2.up |= bit(j);
    }
    if (l2.up != 0) out.l2.push_back(l2);
  }
  return out;
}

}  // namespace

std::uint32_t levels(const Fabric& fabric) {
  for (const Rail& rail : fabric.rails)
    for (const Switch& spine : rail.spines)
      if (!spine.name.empty()) return 3;
  return 2;
}

Masks present(const Rail& rail) {
  Masks masks(rail.tree);
  masks.take(absent(rail, false));
  return masks;
}

Masks all_free(const Fabric& fabric) {
  Masks masks(fabric.tree());
  for (const Rail& rail : fabric.rails) masks.shield(absent(rail, true));
  return masks;
}

Cut unrentable(const Fabric& fabric) {
  const Tree& t = fabric.tree();
  const Masks free = all_free(fabric);
  Cut out;
  for (std::uint32_t l = 0; l < t.leaves(); ++l) {
    const Cut::Leaf leaf{l, ~free.hosts(l) & ones(t.hosts_per_leaf),
                         ~free.leaf_up(l) & ones(t.l2_per_pod)};
    if (leaf.hosts != 0 || leaf.up != 0) out.leaves.push_back(leaf);
  }
  for (std::uint32_t s = 0; s < t.l2(); ++s)
    if (const std::uint64_t up = ~free.l2_up(s) & ones(t.spines_per_l2); up != 0)
      out.l2.push_back({s, up});
  return out;
}

}  // namespace weft::broker::fabric
