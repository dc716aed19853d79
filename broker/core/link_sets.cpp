#include "broker/core/link_sets.hpp"

#include <algorithm>

namespace weft::broker {

void merge(Links& into, const Links& add) {
  for (const SliceLeaf& leaf : add.leaves) {
    const auto same = [&](const SliceLeaf& l) { return l.leaf == leaf.leaf; };
    const auto it = std::find_if(into.leaves.begin(), into.leaves.end(), same);
    if (it == into.leaves.end()) {
      into.leaves.push_back(leaf);
    } else {
      it->hosts |= leaf.hosts;
      it->up |= leaf.up;
    }
  }
  for (const SliceL2& l2 : add.l2) {
    const auto it = std::find_if(into.l2.begin(), into.l2.end(),
                                 [&](const SliceL2& l) { return l.l2 == l2.l2; });
    if (it == into.l2.end())
      into.l2.push_back(l2);
    else
      it->up |= l2.up;
  }
}

void remove(Links& from, const Links& gone) {
  for (const SliceLeaf& leaf : gone.leaves)
    for (SliceLeaf& l : from.leaves)
      if (l.leaf == leaf.leaf) l.hosts &= ~leaf.hosts, l.up &= ~leaf.up;
  for (const SliceL2& l2 : gone.l2)
    for (SliceL2& l : from.l2)
      if (l.l2 == l2.l2) l.up &= ~l2.up;
  std::erase_if(from.leaves, [](const SliceLeaf& l) { return l.hosts == 0 && l.up == 0; });
  std::erase_if(from.l2, [](const SliceL2& l) { return l.up == 0; });
}

bool touches(const Links& a, const Links& b) {
  for (const SliceLeaf& x : a.leaves)
    for (const SliceLeaf& y : b.leaves)
      if (x.leaf == y.leaf && ((x.hosts & y.hosts) | (x.up & y.up)) != 0) return true;
  for (const SliceL2& x : a.l2)
    for (const SliceL2& y : b.l2)
      if (x.l2 == y.l2 && (x.up & y.up) != 0) return true;
  return false;
}

}  // namespace weft::broker
