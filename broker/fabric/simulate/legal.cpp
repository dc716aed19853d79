// The conditions on a slice's shape, checked one by one from the record of what it got.
#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "broker/fabric/simulate/checker.hpp"

namespace weft::broker::fabric {
namespace {

using Indices = std::set<std::uint32_t>;

Indices indices(std::uint64_t mask) {
  Indices out;
  for (std::uint32_t i = 0; i < 64; ++i)
    if ((mask >> i & 1) != 0) out.insert(i);
  return out;
}
bool within(const Indices& small, const Indices& large) {
  for (const std::uint32_t i : small)
    if (!large.contains(i)) return false;
  return true;
}
Indices first(std::uint32_t n) {
  Indices out;
  for (std::uint32_t i = 0; i < n; ++i) out.insert(i);
  return out;
}

struct LeafPart {
  std::size_t hosts = 0;
  Indices up;
};
struct PodPart {
  std::map<std::uint32_t, LeafPart> leaves;
  std::map<std::uint32_t, Indices> up;  // by L2 index; those without owned spines are absent
};
using Parts = std::map<std::uint32_t, PodPart>;

std::string owned(const Tree& tree, const Parts& pods) {
  for (const auto& [pod, part] : pods) {
    for (const auto& [leaf, p] : part.leaves)
      if (p.up != first(tree.l2_per_pod) || tree.l2_per_pod < tree.hosts_per_leaf)
        return fmt::format("leaf {} is not owned with all its uplinks", leaf);
    if (pods.size() == 1 && !part.up.empty()) return "spine links for a slice in one pod";
    for (std::uint32_t i = 0; pods.size() > 1 && i < tree.l2_per_pod; ++i)
      if (!part.up.contains(i) || part.up.at(i) != first(tree.spines_per_l2) ||
          tree.spines_per_l2 < tree.leaves_per_pod)
        return fmt::format("pod {}: its L2 {} is not owned with all its uplinks", pod, i);
  }
  return {};
}

// Leaves of the slice, or its pods in one tree of spines: `load` flows at most leave it, and enter.
struct Part {
  std::size_t load;
  Indices links;
};
// All parts own the same links, at least as many as their load; but one of them may own fewer of
// those, if its load is no more. Two parts: both own the same, as many as the smaller load.
bool balanced(const std::vector<Part>& parts) {
  if (parts.size() == 1) return true;
  if (parts.size() == 2)
    return parts[0].links == parts[1].links &&
           parts[0].links.size() >= std::min(parts[0].load, parts[1].load);
  for (std::size_t odd = 0; odd < parts.size(); ++odd) {
    const Indices& common = parts[odd == 0 ? 1 : 0].links;
    bool good = parts[odd].links.size() >= parts[odd].load && within(parts[odd].links, common);
    for (std::size_t i = 0; i < parts.size(); ++i)
      good = good && (i == odd || (parts[i].links == common && common.size() >= parts[i].load));
    if (good) return true;
  }
  return false;
}

std::string stubs(const Tree& tree, const Parts& pods) {
  std::vector<Part> leaves;
  for (const auto& [pod, part] : pods)
    for (const auto& [leaf, p] : part.leaves) leaves.push_back({p.hosts, p.up});
  if (!balanced(leaves)) return "leaves with too few common uplinks";
  for (std::uint32_t i = 0; i < tree.l2_per_pod; ++i) {
    std::vector<Part> in_tree;
    for (const auto& [pod, part] : pods) {
      std::size_t load = 0;
      for (const auto& [leaf, p] : part.leaves) load += p.up.contains(i) ? 1 : 0;
      const bool spines = part.up.contains(i) && !part.up.at(i).empty();
      if (load == 0 && spines) return fmt::format("pod {}: L2 {} has spines and no leaf", pod, i);
      if (load != 0) in_tree.push_back({load, spines ? part.up.at(i) : Indices{}});
    }
    if (!in_tree.empty() && !balanced(in_tree))
      return fmt::format("L2 {}: pods with too few common spines", i);
  }
  return {};
}

std::string in_pod(const Tree& tree, const PodPart& part) {
  std::size_t n = 0;
  for (const auto& [leaf, p] : part.leaves) n = std::max(n, p.hosts);
  std::size_t full = 0;
  const LeafPart *one = nullptr, *remainder = nullptr;
  for (const auto& [leaf, p] : part.leaves) {
    if (p.hosts < n) {
      if (remainder != nullptr) return fmt::format("two leaves have fewer than {} hosts", n);
      remainder = &p;
      continue;
    }
    if (one != nullptr && one->up != p.up) return fmt::format("leaf {} has other uplinks", leaf);
    one = &p;
    ++full;
  }
  if (n > tree.l2_per_pod) return fmt::format("leaves of {} hosts, more than uplinks", n);
  const std::size_t r = remainder == nullptr ? 0 : remainder->hosts;
  if (one->up.size() != (full == 1 ? r : n))
    return fmt::format("{} leaves of {} hosts have {} uplinks each", full, n, one->up.size());
  if (remainder != nullptr && (remainder->up.size() != r || !within(remainder->up, one->up)))
    return "the remainder leaf has the wrong uplinks";
  if (!part.up.empty()) return "spine links for a slice in one pod";
  return {};
}

std::string in_pods(const Tree& tree, const Parts& pods) {
  if (tree.hosts_per_leaf != tree.l2_per_pod) return "several pods need as many uplinks as hosts";
  const LeafPart* partial = nullptr;
  std::map<std::uint32_t, std::size_t> full;
  std::uint32_t partial_pod = 0;
  for (const auto& [pod, part] : pods)
    for (const auto& [leaf, p] : part.leaves) {
      if (p.hosts == tree.hosts_per_leaf) {
        if (p.up != first(tree.l2_per_pod)) return fmt::format("leaf {} lacks uplinks", leaf);
        ++full[pod];
      } else {
        if (partial != nullptr) return "two partial leaves";
        partial = &p;
        partial_pod = pod;
      }
    }
  const std::size_t r = partial == nullptr ? 0 : partial->hosts;
  if (partial != nullptr && partial->up.size() != r) return "a partial leaf with wrong uplinks";
  std::size_t L = 0;
  for (const auto& [pod, n] : full) L = std::max(L, n);
  if (L > tree.spines_per_l2) return fmt::format("{} leaves a pod, more than spines", L);
  std::optional<std::uint32_t> rest;  // the remainder pod
  for (const auto& [pod, part] : pods) {
    const bool remainder = full[pod] < L || (partial != nullptr && pod == partial_pod);
    if (!remainder) continue;
    if (rest || full[pod] >= L) return "two pods are not full, or a full one has a partial leaf";
    rest = pod;
  }
  if (partial != nullptr && rest != partial_pod) return "the partial leaf is in a full pod";
  const std::size_t full_pods = pods.size() - (rest ? 1 : 0);
  const auto spines = [](const PodPart& part, std::uint32_t i) {
    const auto it = part.up.find(i);
    return it == part.up.end() ? Indices{} : it->second;
  };
  for (std::uint32_t i = 0; i < tree.l2_per_pod; ++i) {
    const std::size_t wanted_rest =
        rest ? full[*rest] + (partial != nullptr && partial->up.contains(i) ? 1 : 0) : 0;
    const Indices of_rest = rest ? spines(pods.at(*rest), i) : Indices{};
    if (of_rest.size() != wanted_rest)
      return fmt::format("remainder pod: L2 {} has {} spines, not {}", i, of_rest.size(),
                         wanted_rest);
    std::optional<Indices> common;
    for (const auto& [pod, part] : pods) {
      if (pod == rest) continue;
      const Indices mine = spines(part, i);
      if (common && *common != mine) return fmt::format("pod {}: L2 {} has other spines", pod, i);
      common = mine;
    }
    if (full_pods > 1 ? common->size() != L : *common != of_rest)
      return fmt::format("full pods: L2 {} has {} spines", i, common->size());
    if (!within(of_rest, *common)) return fmt::format("remainder pod: L2 {} has foreign spines", i);
  }
  return {};
}

}  // namespace

std::string illegal(const Tree& tree, const Cut& cut) {
  Parts pods;
  std::size_t hosts = 0;
  for (const Cut::Leaf& leaf : cut.leaves) {
    auto& leaves = pods[leaf.leaf / tree.leaves_per_pod].leaves;
    const Indices there = indices(leaf.hosts);
    if (there.empty()) return fmt::format("leaf {} without hosts", leaf.leaf);
    if (!leaves.emplace(leaf.leaf, LeafPart{there.size(), indices(leaf.up)}).second)
      return fmt::format("leaf {} twice", leaf.leaf);
    hosts += there.size();
  }
  if (hosts < cut.asked) return fmt::format("{} hosts of {}", hosts, cut.asked);
  for (const Cut::L2& l2 : cut.l2) {
    const auto pod = pods.find(l2.l2 / tree.l2_per_pod);
    if (pod == pods.end()) return fmt::format("L2 {} of a pod without hosts", l2.l2);
    if (!pod->second.up.emplace(l2.l2 % tree.l2_per_pod, indices(l2.up)).second)
      return fmt::format("L2 {} twice", l2.l2);
  }
  if (cut.leaves.empty()) return "no hosts";
  if (cut.shape == Shape::owned) return owned(tree, pods);
  if (cut.leaves.size() == 1)
    return cut.leaf_links() + cut.spine_links() == 0 ? "" : "links for a slice on one leaf";
  if (cut.shape == Shape::stubs || cut.shape == Shape::stubs_of_pods) return stubs(tree, pods);
  return pods.size() == 1 ? in_pod(tree, pods.begin()->second) : in_pods(tree, pods);
}

}  // namespace weft::broker::fabric
