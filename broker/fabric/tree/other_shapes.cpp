// What other schedulers do: any hosts, and owned switches.
#include <algorithm>
#include <tuple>
#include <vector>

#include "broker/fabric/tree/shapes.hpp"

namespace weft::broker::fabric {
namespace {

// The leaf's uplinks are all free: no job of several leaves is on it.
bool unshared(const Masks& masks, std::uint32_t leaf) {
  return masks.leaf_up(leaf) == ones(masks.tree().l2_per_pod);
}
bool spines_unshared(const Masks& masks, std::uint32_t pod) {
  for (std::uint32_t i = 0; i < masks.tree().l2_per_pod; ++i)
    if (masks.l2_up(pod, i) != ones(masks.tree().spines_per_l2)) return false;
  return true;
}
std::uint32_t hosts_on_unshared(const Masks& masks, std::uint32_t pod) {
  const Tree& tree = masks.tree();
  std::uint32_t n = 0;
  for (std::uint32_t i = 0; i < tree.leaves_per_pod; ++i)
    if (const std::uint32_t leaf = pod * tree.leaves_per_pod + i; unshared(masks, leaf))
      n += count(masks.hosts(leaf));
  return n;
}

// Takes hosts of `leaf`, and all its uplinks; the value is what is still wanted.
std::uint32_t add_owned(Cut& cut, const Masks& masks, std::uint32_t leaf, std::uint32_t wanted) {
  const std::uint32_t n = std::min(wanted, count(masks.hosts(leaf)));
  if (n > 0)
    cut.leaves.push_back({leaf, lowest(masks.hosts(leaf), n), ones(masks.tree().l2_per_pod)});
  return wanted - n;
}

std::optional<Cut> one_leaf(const Masks& masks, std::uint32_t hosts) {
  std::optional<std::tuple<std::uint32_t, bool, std::uint32_t>> best;
  for (std::uint32_t leaf = 0; leaf < masks.tree().leaves(); ++leaf) {
    const std::uint32_t free = count(masks.hosts(leaf));
    if (free < hosts) continue;
    const std::tuple fit{free, unshared(masks, leaf), leaf};
    if (!best || fit < *best) best = fit;
  }
  if (!best) return std::nullopt;
  const std::uint32_t leaf = std::get<2>(*best);
  Cut out;
  out.leaves.push_back({leaf, lowest(masks.hosts(leaf), hosts), 0});
  return out;
}

std::optional<Cut> one_pod(const Masks& masks, std::uint32_t hosts) {
  const Tree& tree = masks.tree();
  std::optional<std::uint32_t> best;
  for (std::uint32_t pod = 0; pod < tree.pods; ++pod)
    if (hosts_on_unshared(masks, pod) >= hosts &&
        (!best || masks.free_hosts(pod) < masks.free_hosts(*best)))
      best = pod;
  if (!best) return std::nullopt;
  std::vector<std::uint32_t> leaves;
  for (std::uint32_t i = 0; i < tree.leaves_per_pod; ++i)
    if (const std::uint32_t leaf = *best * tree.leaves_per_pod + i; unshared(masks, leaf))
      leaves.push_back(leaf);
  std::sort(leaves.begin(), leaves.end(), [&](std::uint32_t a, std::uint32_t b) {
    const auto fa = count(masks.hosts(a)), fb = count(masks.hosts(b));
    return fa != fb ? fa > fb : a < b;
  });
  Cut out;
  out.shape = Shape::owned;
  for (const std::uint32_t leaf : leaves)
    if (hosts > 0) hosts = add_owned(out, masks, leaf, hosts);
  return out;
}

std::optional<Cut> several_pods(const Masks& masks, std::uint32_t hosts) {
  const Tree& tree = masks.tree();
  std::vector<std::uint32_t> pods;
  std::uint32_t there = 0;
  for (std::uint32_t pod = 0; pod < tree.pods; ++pod)
    if (spines_unshared(masks, pod)) {
      pods.push_back(pod);
      there += hosts_on_unshared(masks, pod);
    }
  if (there < hosts) return std::nullopt;
  std::sort(pods.begin(), pods.end(), [&](std::uint32_t a, std::uint32_t b) {
    const auto fa = masks.free_hosts(a), fb = masks.free_hosts(b);
    return fa != fb ? fa > fb : a > b;
  });
  Cut out;
  out.shape = Shape::owned;
  for (const std::uint32_t pod : pods) {
    const std::size_t before = out.leaves.size();
    for (std::uint32_t i = 0; i < tree.leaves_per_pod && hosts > 0; ++i)
      if (const std::uint32_t leaf = pod * tree.leaves_per_pod + i; unshared(masks, leaf))
        hosts = add_owned(out, masks, leaf, hosts);
    if (out.leaves.size() == before) continue;
    for (std::uint32_t i = 0; i < tree.l2_per_pod; ++i)
      out.l2.push_back({pod * tree.l2_per_pod + i, ones(tree.spines_per_l2)});
  }
  return out;
}

}  // namespace

std::optional<Cut> find_any_hosts(const Masks& masks, std::uint32_t hosts) {
  Cut out;
  out.shape = Shape::any;
  for (std::uint32_t leaf = 0; leaf < masks.tree().leaves() && hosts > 0; ++leaf) {
    const std::uint32_t n = std::min(hosts, count(masks.hosts(leaf)));
    if (n > 0) out.leaves.push_back({leaf, lowest(masks.hosts(leaf), n), 0});
    hosts -= n;
  }
  if (hosts > 0) return std::nullopt;
  return out;
}

std::optional<Cut> find_owned_switches(const Masks& masks, std::uint32_t hosts) {
  const Tree& tree = masks.tree();
  if (hosts <= tree.hosts_per_leaf) return one_leaf(masks, hosts);
  // A switch with fewer ports up than down is no non-blocking part of anything larger.
  if (tree.l2_per_pod < tree.hosts_per_leaf) return std::nullopt;
  if (hosts <= tree.hosts_per_leaf * tree.leaves_per_pod) return one_pod(masks, hosts);
  if (tree.spines_per_l2 < tree.leaves_per_pod) return std::nullopt;
  return several_pods(masks, hosts);
}

}  // namespace weft::broker::fabric
