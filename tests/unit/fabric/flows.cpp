#include "tests/unit/fabric/flows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace weft::broker::fabric {

std::vector<std::uint32_t> ranks_by_leaf(const Tree& tree, const Cut& cut) {
  std::vector<std::uint32_t> out;
  for (const Cut::Leaf& leaf : cut.leaves)
    for (std::uint32_t slot = 0; slot < tree.hosts_per_leaf; ++slot)
      if ((leaf.hosts >> slot & 1) != 0) out.push_back(leaf.leaf * tree.hosts_per_leaf + slot);
  return out;
}

std::vector<std::uint32_t> ranks_by_number(const Tree& tree, const Cut& cut) {
  auto out = ranks_by_leaf(tree, cut);
  std::sort(out.begin(), out.end());
  return out;
}

Flows::Flows(const Tree& tree, const Routes& routes, const Cut& cut,
             std::vector<std::uint32_t> hosts)
    : tree_(tree), hosts_(std::move(hosts)) {
  loads_.resize(2 * (tree.leaves() * tree.l2_per_pod + tree.l2() * tree.spines_per_l2));
  for (const std::uint32_t from : hosts_)
    for (const std::uint32_t to : hosts_) paths_.push_back(walk(routes, cut, from, to));
}

Flows::Path Flows::walk(const Routes& routes, const Cut& cut, std::uint32_t from,
                        std::uint32_t to) {
  const Tree& t = tree_;
  const std::uint32_t leaf_links = t.leaves() * t.l2_per_pod;
  const auto leaf_link = [&](std::uint32_t leaf, std::uint32_t i, bool down) {
    bool owned = false;
    for (const Cut::Leaf& l : cut.leaves) owned |= l.leaf == leaf && (l.up >> i & 1) != 0;
    if (!owned) problem_ = fmt::format("{} to {}: uplink {} of leaf {}", from, to, i, leaf);
    return 2 * (leaf * t.l2_per_pod + i) + (down ? 1 : 0);
  };
  const auto spine_link = [&](std::uint32_t l2, std::uint32_t j, bool down) {
    bool owned = false;
    for (const Cut::L2& l : cut.l2) owned |= l.l2 == l2 && (l.up >> j & 1) != 0;
    if (!owned) problem_ = fmt::format("{} to {}: uplink {} of L2 {}", from, to, j, l2);
    return 2 * (leaf_links + l2 * t.spines_per_l2 + j) + (down ? 1 : 0);
  };
  const auto expect = [&](bool good, const char* what) {
    if (!good) problem_ = fmt::format("{} to {}: {}", from, to, what);
    return good;
  };
  Path path{{none, none, none, none}};
  const std::uint32_t leaf = from / t.hosts_per_leaf, last = to / t.hosts_per_leaf;
  if (leaf != last) {
    const Hop up = routes.next({Tier::leaf, leaf}, to);
    if (!expect(up.way == Hop::Way::up && up.port < t.l2_per_pod, "not up")) return path;
    path.links[0] = leaf_link(leaf, up.port, false);
    const std::uint32_t i = up.port, p = leaf / t.leaves_per_pod, q = last / t.leaves_per_pod;
    if (p != q) {
      const Hop high = routes.next({Tier::l2, p * t.l2_per_pod + i}, to);
      if (!expect(high.way == Hop::Way::up && high.port < t.spines_per_l2, "not up from L2"))
        return path;
      path.links[1] = spine_link(p * t.l2_per_pod + i, high.port, false);
      const Hop over = routes.next({Tier::spine, i * t.spines_per_l2 + high.port}, to);
      if (!expect(over == Hop{Hop::Way::down, q}, "not down to its pod")) return path;
      path.links[2] = spine_link(q * t.l2_per_pod + i, high.port, true);
    }
    const Hop low = routes.next({Tier::l2, q * t.l2_per_pod + i}, to);
    if (!expect(low == Hop{Hop::Way::down, last % t.leaves_per_pod}, "not down to its leaf"))
      return path;
    path.links[3] = leaf_link(last, i, true);
  }
  expect(routes.next({Tier::leaf, last}, to) == Hop{Hop::Way::down, to % t.hosts_per_leaf},
         "not down to it");
  return path;
}

std::uint32_t Flows::worst(const std::vector<std::uint32_t>& to) {
  std::uint32_t most = 0;
  const auto each_link = [&](auto visit) {
    for (std::size_t q = 0; q < to.size(); ++q)
      for (const std::uint32_t link : paths_[q * hosts_.size() + to[q]].links)
        if (link != none) visit(loads_[link]);
  };
  each_link([&](std::uint32_t& load) { most = std::max(most, ++load); });
  each_link([](std::uint32_t& load) { load = 0; });
  return most;
}

std::uint32_t Flows::worst_of_shift(std::uint32_t by) {
  std::vector<std::uint32_t> to(hosts_.size());
  for (std::uint32_t q = 0; q < ranks(); ++q) to[q] = (q + by) % ranks();
  return worst(to);
}

}  // namespace weft::broker::fabric
