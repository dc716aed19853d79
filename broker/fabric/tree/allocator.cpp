#include "broker/fabric/tree/allocator.hpp"

#include <algorithm>
#include <array>

#include "broker/fabric/tree/shapes.hpp"

namespace weft::broker::fabric {
namespace {

constexpr std::array<std::string_view, 5> policy_names{"weft", "baseline", "ta", "laas", "jigsaw"};
constexpr std::array<std::string_view, refusals> refusal_names{
    "none", "hosts", "shape", "leaf_links", "spine_links", "search_limit"};

// The same hosts with all links of a kind free.
Masks without_owners_of_links(const Masks& masks, bool spine_links_too) {
  const Tree& tree = masks.tree();
  Masks out(tree);
  Cut taken;
  for (std::uint32_t leaf = 0; leaf < tree.leaves(); ++leaf)
    taken.leaves.push_back({leaf, ~masks.hosts(leaf) & ones(tree.hosts_per_leaf), 0});
  for (std::uint32_t l2 = 0; l2 < tree.l2() && !spine_links_too; ++l2)
    taken.l2.push_back({l2, ~masks.l2_up(l2) & ones(tree.spines_per_l2)});
  out.take(taken);
  return out;
}

}  // namespace

std::string_view to_string(Policy policy) { return policy_names[static_cast<std::size_t>(policy)]; }
std::optional<Policy> parse_policy(std::string_view name) {
  const auto found = std::find(policy_names.begin(), policy_names.end(), name);
  if (found == policy_names.end()) return std::nullopt;
  return static_cast<Policy>(found - policy_names.begin());
}
std::string_view to_string(Refusal refusal) {
  return refusal_names[static_cast<std::size_t>(refusal)];
}

std::optional<Cut> Allocator::in_shapes(const Masks& masks, std::uint32_t hosts,
                                        std::optional<Term> term) {
  const std::uint32_t per_leaf = masks.tree().hosts_per_leaf;
  Search search;
  search.term = term;
  auto in_leaf = find_leaf(masks, hosts, search);
  // Rather than break a whole leaf for a few hosts: stubs.
  if (term && in_leaf && hosts < per_leaf && masks.leaf_is_free(in_leaf->leaves[0].leaf))
    if (auto found = find_stubs(masks, hosts, 3, search)) return found;
  if (in_leaf) return in_leaf;
  auto found = find_pod(masks, hosts, search);
  if (!found) {
    const std::uint32_t whole = (hosts + per_leaf - 1) / per_leaf * per_leaf;
    found = find_pods(masks, policy_ == Policy::laas ? whole : hosts, search);
  }
  if (!found && term) found = find_stubs(masks, hosts, hosts / per_leaf + 9, search);
  limit_hit_ = search.limit_hit;
  return found;
}

std::optional<Cut> Allocator::cut(const Masks& masks, std::uint32_t hosts,
                                  std::optional<Term> term) {
  limit_hit_ = false;
  if (masks.free_hosts() < hosts) return std::nullopt;
  std::optional<Cut> found;
  switch (policy_) {
    case Policy::weft: found = in_shapes(masks, hosts, term); break;
    case Policy::baseline: found = find_any_hosts(masks, hosts); break;
    case Policy::ta: found = find_owned_switches(masks, hosts); break;
    case Policy::laas:
    case Policy::jigsaw: found = in_shapes(masks, hosts, {}); break;
  }
  if (found) found->asked = hosts;
  return found;
}

Refusal Allocator::why(const Masks& masks, std::uint32_t hosts) {
  if (masks.free_hosts() < hosts) return Refusal::hosts;
  if (limit_hit_) return Refusal::search_limit;
  if (!cut(without_owners_of_links(masks, true), hosts)) return Refusal::shape;
  return cut(without_owners_of_links(masks, false), hosts) ? Refusal::leaf_links
                                                           : Refusal::spine_links;
}

}  // namespace weft::broker::fabric
