#include "broker/fabric/tree/cut.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace weft::broker::fabric {
namespace {

// For each pod: the masks of leaves with at least 0, 1 .. most, and most + 1 of something.
std::vector<std::uint64_t> all_have(const Tree& tree, std::uint32_t most) {
  std::vector<std::uint64_t> out(std::size_t{tree.pods} * (most + 2), ones(tree.leaves_per_pod));
  for (std::uint32_t pod = 0; pod < tree.pods; ++pod) out[pod * (most + 2) + most + 1] = 0;
  return out;
}

// `of`: the masks of one pod. A leaf had `before` and has `after`.
void move(std::uint64_t* of, std::uint64_t leaf, std::uint32_t before, std::uint32_t after) {
  for (; before < after; ++before) of[before + 1] |= leaf;
  for (; before > after; --before) of[before] &= ~leaf;
}

}  // namespace

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
      with_hosts_(all_have(tree, tree.hosts_per_leaf)),
      with_uplinks_(all_have(tree, tree.l2_per_pod)),
      free_of_pod_(tree.pods, tree.leaves_per_pod * tree.hosts_per_leaf),
      free_leaves_(tree.pods, tree.leaves_per_pod),
      free_on_(tree.leaves(), static_cast<std::uint8_t>(tree.hosts_per_leaf)),
      uplinks_on_(tree.leaves(), static_cast<std::uint8_t>(tree.l2_per_pod)),
      spines_on_(tree.l2(), static_cast<std::uint8_t>(tree.spines_per_l2)),
      fewest_spines_(tree.pods, static_cast<std::uint8_t>(tree.spines_per_l2)),
      busy_until_(tree.leaves(), 0),
      free_(tree.hosts()) {
  WEFT_ASSERT(problem(tree).empty(), problem(tree));
}

void Masks::set(std::uint32_t leaf, std::uint64_t hosts, std::uint64_t up) {
  const std::uint32_t pod = tree_.pod_of(leaf);
  const bool before = leaf_is_free(leaf);
  const std::uint32_t less = free_on_[leaf], more = count(hosts);
  const std::uint64_t bit = std::uint64_t{1} << leaf % tree_.leaves_per_pod;
  move(&with_hosts_[pod * (tree_.hosts_per_leaf + 2)], bit, less, more);
  move(&with_uplinks_[pod * (tree_.l2_per_pod + 2)], bit, uplinks_on_[leaf], count(up));
  hosts_[leaf] = hosts;
  leaf_up_[leaf] = up;
  free_on_[leaf] = static_cast<std::uint8_t>(more);
  uplinks_on_[leaf] = static_cast<std::uint8_t>(count(up));
  if (hosts == ones(tree_.hosts_per_leaf)) busy_until_[leaf] = 0;
  free_ = free_ - less + more;
  free_of_pod_[pod] = free_of_pod_[pod] - less + more;
  free_leaves_[pod] = free_leaves_[pod] - (before ? 1 : 0) + (leaf_is_free(leaf) ? 1 : 0);
}

void Masks::set_l2(std::uint32_t l2, std::uint64_t up) {
  l2_up_[l2] = up;
  spines_on_[l2] = static_cast<std::uint8_t>(count(up));
  const std::uint32_t pod = l2 / tree_.l2_per_pod;
  const std::uint8_t* first = &spines_on_[pod * tree_.l2_per_pod];
  fewest_spines_[pod] = *std::min_element(first, first + tree_.l2_per_pod);
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
    set_l2(l.l2, l2_up_[l.l2] & ~l.up);
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
    set_l2(l.l2, l2_up_[l.l2] | l.up);
  }
}

void Masks::shield(const Cut& cut, std::int64_t end_s) {
  for (const Cut::Leaf& l : cut.leaves) {
    set(l.leaf, hosts_[l.leaf] & ~l.hosts, leaf_up_[l.leaf] & ~l.up);
    if (l.hosts != 0) busy_until_[l.leaf] = std::max(busy_until_[l.leaf], end_s);
  }
  for (const Cut::L2& l : cut.l2) set_l2(l.l2, l2_up_[l.l2] & ~l.up);
}

}  // namespace weft::broker::fabric
