#include "tests/unit/fabric/brute_force.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace weft::broker::fabric::brute {
namespace {

std::uint64_t all_of(std::uint32_t n) { return (std::uint64_t{1} << n) - 1; }

void spread(const Free& free, Counts& counts, std::uint32_t leaf, Room& out) {
  if (leaf < counts.size()) {
    for (counts[leaf] = 0; counts[leaf] <= free.hosts[leaf]; ++counts[leaf])
      spread(free, counts, leaf + 1, out);
    counts[leaf] = 0;
    return;
  }
  std::uint32_t n = 0, first = 0, last = 0;
  for (std::uint32_t l = 0; l < counts.size(); ++l)
    if (counts[l] > 0) {
      if (n == 0) first = l;
      last = l;
      n += counts[l];
    }
  if (n == 0) return;
  const auto note = [&](std::uint64_t& sizes, auto test) {
    if ((sizes >> n & 1) == 0 && test()) sizes |= std::uint64_t{1} << n;
  };
  note(out.leaf, [&] { return as_leaf(counts).has_value(); });
  note(out.pod, [&] { return as_pod(free, counts).has_value(); });
  note(out.pods, [&] { return as_pods(free, counts).has_value(); });
  const bool one_pod = first / free.tree.leaves_per_pod == last / free.tree.leaves_per_pod;
  note(one_pod ? out.owned_in_pod : out.owned_in_pods,
       [&] { return as_owned(free, counts).has_value(); });
}

}  // namespace

Free::Free(const Masks& masks) : tree(masks.tree()) {
  for (std::uint32_t leaf = 0; leaf < tree.leaves(); ++leaf) {
    hosts.push_back(count(masks.hosts(leaf)));
    up.push_back(masks.leaf_up(leaf));
  }
  for (std::uint32_t l2 = 0; l2 < tree.l2(); ++l2) spine.push_back(masks.l2_up(l2));
}

Free::Free(const Tree& t, const Cut& only)
    : tree(t), hosts(t.leaves()), up(t.leaves()), spine(t.l2()) {
  for (const Cut::Leaf& l : only.leaves) hosts[l.leaf] += count(l.hosts), up[l.leaf] |= l.up;
  for (const Cut::L2& l : only.l2) spine[l.l2] |= l.up;
}

Free with_free_links(Free free, bool spine_links_too) {
  std::fill(free.up.begin(), free.up.end(), all_of(free.tree.l2_per_pod));
  if (spine_links_too)
    std::fill(free.spine.begin(), free.spine.end(), all_of(free.tree.spines_per_l2));
  return free;
}

std::optional<Links> as_leaf(const Counts& counts) {
  if (std::count(counts.begin(), counts.end(), 0U) + 1 != std::ssize(counts)) return std::nullopt;
  return Links{};
}

std::optional<Links> as_owned(const Free& free, const Counts& counts) {
  const Tree& tree = free.tree;
  if (tree.l2_per_pod < tree.hosts_per_leaf) return std::nullopt;
  std::vector<std::uint32_t> pods;
  Links links;
  for (std::uint32_t leaf = 0; leaf < counts.size(); ++leaf) {
    if (counts[leaf] == 0) continue;
    if (free.up[leaf] != all_of(tree.l2_per_pod)) return std::nullopt;
    links.leaf += tree.l2_per_pod;
    const std::uint32_t pod = leaf / tree.leaves_per_pod;
    if (pods.empty() || pods.back() != pod) pods.push_back(pod);
  }
  if (pods.size() == 1) return links;
  if (tree.spines_per_l2 < tree.leaves_per_pod) return std::nullopt;
  for (const std::uint32_t pod : pods)
    for (std::uint32_t i = 0; i < tree.l2_per_pod; ++i) {
      if (free.spine[pod * tree.l2_per_pod + i] != all_of(tree.spines_per_l2)) return std::nullopt;
      links.spine += tree.spines_per_l2;
    }
  return links;
}

Room room(const Free& free) {
  Room out;
  for (const std::uint32_t hosts : free.hosts) out.hosts += hosts;
  Counts counts(free.tree.leaves());
  spread(free, counts, 0, out);
  return out;
}

std::string describe(const Free& free) {
  const Tree& t = free.tree;
  return fmt::format("XGFT({},{},{};1,{},{}) free hosts {} uplinks {} spine links {}",
                     t.hosts_per_leaf, t.leaves_per_pod, t.pods, t.l2_per_pod, t.spines_per_l2,
                     free.hosts, free.up, free.spine);
}

}  // namespace weft::broker::fabric::brute
