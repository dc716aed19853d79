#include "broker/fabric/tree/cut.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace weft::broker::fabric {
std::uint32_t Cut::hosts() const {
  std::uint32_t n = 0;
  for (const Leaf& leaf : leaves) n += count(leaf.hosts);
  return n;
}
std::uint32_t Cut::leaf_links() const {
  std::uint32_t n = 0;
  for (const Leaf& leaf : leaves) n += count(leaf.up);
  return n;
}
std::uint32_t Cut::spine_links() const {
  std::uint32_t n = 0;
  for (const L2& one : l2) n += count(one.up);
  return n;
}

Masks::Masks(const Tree& tree)
    : tree_(tree),
      hosts_(tree.leaves(), ones(tree.hosts_per_leaf)),
      leaf_up_(tree.leaves(), ones(tree.l2_per_pod)),
      l2_up_(tree.l2(), ones(tree.spines_per_l2)),
      free_of_pod_(tree.pods, tree.leaves_per_pod * tree.hosts_per_leaf),
      free_leaves_(tree.pods, tree.leaves_per_pod),
      free_on_(tree.leaves(), static_cast<std::uint8_t>(tree.hosts_per_leaf)),
      uplinks_on_(tree.leaves(), static_cast<std::uint8_t>(tree.l2_per_pod)),
      busy_until_(tree.leaves(), 0),
      free_(tree.hosts()) {
  WEFT_ASSERT(problem(tree).empty(), problem(tree));
}

void Masks::set(std::uint32_t leaf, std::uint64_t hosts, std::uint64_t up) {
  const std::uint32_t pod = tree_.pod_of(leaf);
  const bool before = leaf_is_free(leaf);
  const std::uint32_t less = free_on_[leaf], more = count(hosts);
  hosts_[leaf] = hosts;
  leaf_up_[leaf] = up;
  free_on_[leaf] = static_cast<std::uint8_t>(more);
  uplinks_on_[leaf] = static_cast<std::uint8_t>(count(up));
  if (hosts == ones(tree_.hosts_per_leaf)) busy_until_[leaf] = 0;
  free_ = free_ - less + more;
  free_of_pod_[pod] = free_of_pod_[pod] - less + more;
  free_leaves_[pod] = free_leaves_[pod] - (before ? 1 : 0) + (leaf_is_free(leaf) ? 1 : 0);
}

void Masks::take(const Cut& cut, std::int64_t end_s) {
  for (const Cut::Leaf& l : cut.leaves) {
    WEFT_ASSERT((l.hosts & ~hosts_[l.leaf]) == 0 && (l.up & ~leaf_up_[l.leaf]) == 0,
                "a host or uplink of a leaf is taken twice");
    set(l.leaf, hosts_[l.leaf] & ~l.hosts, leaf_up_[l.leaf] & ~l.up);
    busy_until_[l.leaf] = std::max(busy_until_[l.leaf], end_s);
  }
  for (const Cut::L2& l : cut.l2) {
    WEFT_ASSERT((l.up & ~l2_up_[l.l2]) == 0, "an uplink of an L2 switch is taken twice");
    l2_up_[l.l2] &= ~l.up;
  }
}

void Masks::give_back(const Cut& cut) {
  for (const Cut::Leaf& l : cut.leaves) {
    WEFT_ASSERT((l.hosts & hosts_[l.leaf]) == 0 && (l.up & leaf_up_[l.leaf]) == 0,
                "a host or uplink of a leaf is given back twice");
    set(l.leaf, hosts_[l.leaf] | l.hosts, leaf_up_[l.leaf] | l.up);
  }
  for (const Cut::L2& l : cut.l2) {
    WEFT_ASSERT((l.up & l2_up_[l.l2]) == 0, "an uplink of an L2 switch is given back twice");
    l2_up_[l.l2] |= l.up;
  }
}

void Masks::shield(const Cut& cut, std::int64_t end_s) {
  for (const Cut::Leaf& l : cut.leaves) {
    set(l.leaf, hosts_[l.leaf] & ~l.hosts, leaf_up_[l.leaf] & ~l.up);
    if (l.hosts != 0) busy_until_[l.leaf] = std::max(busy_until_[l.leaf], end_s);
  }
  for (const Cut::L2& l : cut.l2) l2_up_[l.l2] &= ~l.up;
}

}  // namespace weft::broker::fabric
