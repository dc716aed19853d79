// The lines B and C of the table, set by set.
#include <algorithm>
#include <bit>

#include "tests/unit/fabric/brute_force.hpp"

namespace weft::broker::fabric::brute {
namespace {

bool inside(std::uint64_t small, std::uint64_t large) { return (small & ~large) == 0; }
std::uint32_t size(std::uint64_t set) { return static_cast<std::uint32_t>(std::popcount(set)); }
std::uint64_t all(std::uint32_t n) { return (std::uint64_t{1} << n) - 1; }

// True if one of the subsets of {0..width-1} of this size passes.
template <class Test>
bool some_subset(std::uint32_t width, std::uint32_t of_size, Test test) {
  for (std::uint64_t set = 0; set <= all(width); ++set)
    if (size(set) == of_size && test(set)) return true;
  return false;
}

// The slice's part of one pod, as shape C sees it.
struct Part {
  std::uint32_t pod = 0;
  std::vector<std::uint32_t> whole;      // leaves with all their hosts
  std::optional<std::uint32_t> partial;  // the leaf with some
};

// Nothing: two partial leaves.
std::optional<std::vector<Part>> parts_of(const Tree& tree, const Counts& counts) {
  std::vector<Part> out;
  bool partial = false;
  for (std::uint32_t leaf = 0; leaf < counts.size(); ++leaf) {
    if (counts[leaf] == 0) continue;
    const std::uint32_t pod = leaf / tree.leaves_per_pod;
    if (out.empty() || out.back().pod != pod) out.push_back({pod, {}, {}});
    if (counts[leaf] == tree.hosts_per_leaf) {
      out.back().whole.push_back(leaf);
    } else {
      if (partial) return std::nullopt;
      partial = true;
      out.back().partial = leaf;
    }
  }
  return out;
}

struct PodsPlan {
  std::vector<std::uint32_t> full;    // T pods
  std::optional<std::uint32_t> rest;  // the remainder pod
  std::uint32_t L = 0, L_r = 0;
};

// The line for S*: for this L2 index, some S* and S*r among what is free.
bool spines_at(const Free& free, const PodsPlan& plan, std::uint32_t i, bool in_S_r) {
  const Tree& tree = free.tree;
  const auto spine = [&](std::uint32_t pod) { return free.spine[pod * tree.l2_per_pod + i]; };
  const std::uint32_t of_rest = plan.rest ? plan.L_r + (in_S_r ? 1 : 0) : 0;
  const std::uint32_t of_full = plan.full.size() == 1 ? of_rest : plan.L;
  return some_subset(tree.spines_per_l2, of_full, [&](std::uint64_t S) {
    for (const std::uint32_t pod : plan.full)
      if (!inside(S, spine(pod))) return false;
    return !plan.rest || some_subset(tree.spines_per_l2, of_rest, [&](std::uint64_t S_r) {
      return inside(S_r, S) && inside(S_r, spine(*plan.rest));
    });
  });
}

std::optional<PodsPlan> plan_of(const Tree& tree, const std::vector<Part>& parts) {
  PodsPlan plan;
  for (const Part& part : parts)
    plan.L = std::max(plan.L, static_cast<std::uint32_t>(part.whole.size()));
  if (plan.L == 0 || plan.L > tree.leaves_per_pod || plan.L > tree.spines_per_l2) return {};
  for (const Part& part : parts) {
    if (part.whole.size() == plan.L && !part.partial) {
      plan.full.push_back(part.pod);
      continue;
    }
    if (plan.rest || part.whole.size() == plan.L) return {};
    plan.rest = part.pod;
    plan.L_r = static_cast<std::uint32_t>(part.whole.size());
  }
  // One whole leaf by itself is shape A, without uplinks.
  if (plan.full.empty() || (parts.size() == 1 && plan.L == 1)) return {};
  return plan;
}

}  // namespace

std::optional<Links> as_pod(const Free& free, const Counts& counts) {
  const Tree& tree = free.tree;
  std::vector<std::uint32_t> full;
  std::optional<std::uint32_t> rest, pod;
  const std::uint32_t n = *std::max_element(counts.begin(), counts.end());
  for (std::uint32_t leaf = 0; leaf < counts.size(); ++leaf) {
    if (counts[leaf] == 0) continue;
    if (pod && *pod != leaf / tree.leaves_per_pod) return std::nullopt;
    pod = leaf / tree.leaves_per_pod;
    if (counts[leaf] == n) {
      full.push_back(leaf);
    } else {
      if (rest) return std::nullopt;
      rest = leaf;
    }
  }
  const auto L = static_cast<std::uint32_t>(full.size());
  const std::uint32_t r = rest ? counts[*rest] : 0;
  if (n > tree.l2_per_pod || (L == 1 && r == 0)) return std::nullopt;
  const std::uint32_t of_full = L == 1 ? r : n;
  const bool found = some_subset(tree.l2_per_pod, of_full, [&](std::uint64_t S) {
    for (const std::uint32_t leaf : full)
      if (!inside(S, free.up[leaf])) return false;
    return !rest || some_subset(tree.l2_per_pod, r, [&](std::uint64_t S_r) {
      return inside(S_r, S) && inside(S_r, free.up[*rest]);
    });
  });
  if (!found) return std::nullopt;
  return Links{L * of_full + r, 0};
}

std::optional<Links> as_pods(const Free& free, const Counts& counts) {
  const Tree& tree = free.tree;
  if (tree.hosts_per_leaf != tree.l2_per_pod) return std::nullopt;
  const auto parts = parts_of(tree, counts);
  if (!parts) return std::nullopt;
  const auto plan = plan_of(tree, *parts);
  if (!plan) return std::nullopt;
  std::optional<std::uint32_t> partial;
  std::uint32_t whole = 0;
  for (const Part& part : *parts) {
    for (const std::uint32_t leaf : part.whole) {
      if (free.up[leaf] != all(tree.l2_per_pod)) return std::nullopt;
      ++whole;
    }
    if (part.partial) partial = part.partial;
  }
  const std::uint32_t r = partial ? counts[*partial] : 0;
  const bool found = some_subset(tree.l2_per_pod, r, [&](std::uint64_t S_r) {
    if (partial && !inside(S_r, free.up[*partial])) return false;
    for (std::uint32_t i = 0; i < tree.l2_per_pod; ++i)
      if (!spines_at(free, *plan, i, (S_r >> i & 1) != 0)) return false;
    return true;
  });
  if (!found) return std::nullopt;
  const auto T = static_cast<std::uint32_t>(plan->full.size());
  const std::uint32_t of_rest = plan->rest ? tree.l2_per_pod * plan->L_r + r : 0;
  const std::uint32_t of_full = T == 1 ? of_rest : T * tree.l2_per_pod * plan->L;
  return Links{whole * tree.l2_per_pod + r, of_full + of_rest};
}

}  // namespace weft::broker::fabric::brute
