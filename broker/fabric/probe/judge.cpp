#include "broker/fabric/probe/judge.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace weft::broker::fabric {
namespace {

// A host's link, a leaf's uplink or an L2 switch's in one direction, as one may be slow and the
// other not: (what, of which, which one, upwards).
enum class Kind : std::uint8_t { host, leaf_up, l2_up };
using Part = std::tuple<Kind, std::uint32_t, std::uint32_t, bool>;

std::set<Part> parts_of(const Tree& tree, const Routes& routes, const Way& way) {
  std::set<Part> out{{Kind::host, way.from, 0, true}, {Kind::host, way.to, 0, false}};
  const std::uint32_t leaf_from = way.from / tree.hosts_per_leaf;
  const std::uint32_t leaf_to = way.to / tree.hosts_per_leaf;
  const Hop up = routes.next({Tier::leaf, leaf_from}, way.to);
  if (up.way != Hop::Way::up) return out;
  out.insert({Kind::leaf_up, leaf_from, up.port, true});
  const std::uint32_t pod_from = leaf_from / tree.leaves_per_pod;
  const std::uint32_t pod_to = leaf_to / tree.leaves_per_pod;
  const std::uint32_t l2_from = pod_from * tree.l2_per_pod + up.port;
  const Hop further = routes.next({Tier::l2, l2_from}, way.to);
  if (further.way == Hop::Way::up) {
    out.insert({Kind::l2_up, l2_from, further.port, true});
    // A spine of tree i reaches L2 switch i of every pod.
    const std::uint32_t l2_to = pod_to * tree.l2_per_pod + up.port;
    out.insert({Kind::l2_up, l2_to, further.port, false});
  }
  out.insert({Kind::leaf_up, leaf_to, up.port, false});
  return out;
}

Cut cut_of(const Tree& tree, const std::set<Part>& parts) {
  std::map<std::uint32_t, Cut::Leaf> leaves;
  Cut out;
  for (const auto& [kind, of, which, upwards] : parts) {
    if (kind == Kind::l2_up) {
      if (out.l2.empty() || out.l2.back().l2 != of) out.l2.push_back({of, 0});
      out.l2.back().up |= std::uint64_t{1} << which;
      continue;
    }
    const std::uint32_t leaf = kind == Kind::host ? of / tree.hosts_per_leaf : of;
    Cut::Leaf& held = leaves[leaf];
    held.leaf = leaf;
    if (kind == Kind::host)
      held.hosts |= std::uint64_t{1} << (of % tree.hosts_per_leaf);
    else
      held.up |= std::uint64_t{1} << which;
  }
  for (const auto& [leaf, held] : leaves) out.leaves.push_back(held);
  return out;
}

}  // namespace

std::uint64_t needed_bps(std::span<const Way> ways, const Bar& bar) {
  std::uint64_t whole = bar.expected_bps;
  if (whole == 0 && !ways.empty()) {
    std::vector<std::uint64_t> sorted;
    for (const Way& way : ways) sorted.push_back(way.bandwidth_bps);
    std::sort(sorted.begin(), sorted.end());
    whole = sorted[sorted.size() * 3 / 4];
  }
  return whole / 100 * bar.share_percent + whole % 100 * bar.share_percent / 100;
}

std::vector<std::size_t> below(std::span<const Way> ways, std::uint64_t needed) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < ways.size(); ++i)
    if (ways[i].bandwidth_bps < needed || ways[i].bandwidth_bps == 0) out.push_back(i);
  std::stable_sort(out.begin(), out.end(), [&](std::size_t a, std::size_t b) {
    return ways[a].bandwidth_bps < ways[b].bandwidth_bps;
  });
  return out;
}

Cut suspects(const Tree& tree, const Routes& routes, std::span<const Way> bad,
             std::span<const Way> good) {
  std::set<Part> on_bad, cleared;
  for (const Way& way : bad) on_bad.merge(parts_of(tree, routes, way));
  for (const Way& way : good) cleared.merge(parts_of(tree, routes, way));
  std::set<Part> left;
  std::set_difference(on_bad.begin(), on_bad.end(), cleared.begin(), cleared.end(),
                      std::inserter(left, left.end()));
  return cut_of(tree, left.empty() ? on_bad : left);
}

}  // namespace weft::broker::fabric
