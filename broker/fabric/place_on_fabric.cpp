#include "broker/fabric/place_on_fabric.hpp"

#include <algorithm>
#include <set>

#include "broker/fabric/tree/shapes.hpp"

namespace weft::broker::fabric {
namespace {

constexpr std::size_t prices_max = 16;       // tried one by one; then all nodes at once
constexpr std::size_t start_times_max = 64;  // looked at for the earliest start

// What is free at `at` for someone who may use only `nodes`.
Masks free_at(const Site& site, Instant at, std::span<const Candidate* const> nodes) {
  Masks masks = *site.rentable;
  const Tree& t = masks.tree();
  for (const Held& held : site.held)
    if (held.until > at) masks.shield(held.cut, held.until == never ? 0 : held.until.ms / 1'000);
  std::vector<std::uint64_t> usable(t.leaves(), 0);
  for (const Candidate* c : nodes)
    usable[c->place / t.hosts_per_leaf] |= std::uint64_t{1} << c->place % t.hosts_per_leaf;
  Cut others;
  for (std::uint32_t leaf = 0; leaf < t.leaves(); ++leaf)
    others.leaves.push_back({leaf, ~usable[leaf] & ones(t.hosts_per_leaf), 0});
  masks.shield(others);
  return masks;
}

// Only leaves that are free as a whole, uplinks included.
void leave_whole_leaves(Masks& masks) {
  const Tree& t = masks.tree();
  Cut partial;
  for (std::uint32_t leaf = 0; leaf < t.leaves(); ++leaf)
    if (!masks.leaf_is_free(leaf))
      partial.leaves.push_back({leaf, ones(t.hosts_per_leaf), ones(t.l2_per_pod)});
  masks.shield(partial);
}

std::optional<Cut> cut_in(const Request& request, const Masks& masks, Instant at,
                          Allocator& allocator) {
  const Term term{at.ms / 1'000, (at + request.term).ms / 1'000};
  Search search;
  search.term = term;
  switch (request.within) {
    case SliceWithin::leaf: return find_leaf(masks, request.nodes, search);
    case SliceWithin::block: {
      auto found = find_leaf(masks, request.nodes, search);
      return found ? found : find_pod(masks, request.nodes, search);
    }
    case SliceWithin::any: break;
  }
  return allocator.cut(masks, request.nodes, term);
}

// Hosts without links of their own: the level that holds them counts all the same.
std::optional<Cut> hosts_in(const Request& request, const Masks& masks) {
  const Tree& t = masks.tree();
  if (request.within == SliceWithin::leaf) return find_leaf(masks, request.nodes, {});
  if (request.within == SliceWithin::any) return find_any_hosts(masks, request.nodes);
  std::optional<std::uint32_t> best;
  for (std::uint32_t pod = 0; pod < t.pods; ++pod)
    if (masks.free_hosts(pod) >= request.nodes &&
        (!best || masks.free_hosts(pod) < masks.free_hosts(*best)))
      best = pod;
  if (!best) return {};
  Cut others;
  for (std::uint32_t leaf = 0; leaf < t.leaves(); ++leaf)
    if (t.pod_of(leaf) != *best) others.leaves.push_back({leaf, ones(t.hosts_per_leaf), 0});
  Masks pod_only = masks;
  pod_only.shield(others);
  return find_any_hosts(pod_only, request.nodes);
}

std::optional<Cut> cut_of(const Request& request, Masks& masks, Instant at, Allocator& allocator) {
  std::optional<Cut> cut;
  if (request.exclusive == SliceExclusive::none) {
    cut = hosts_in(request, masks);
    if (cut) cut->shape = Shape::any;
  } else if (request.exclusive == SliceExclusive::links) {
    cut = cut_in(request, masks, at, allocator);
  } else if (request.nodes % masks.tree().hosts_per_leaf == 0) {
    leave_whole_leaves(masks);
    cut = cut_in(request, masks, at, allocator);
    if (cut)
      for (Cut::Leaf& leaf : cut->leaves) leaf.up = ones(masks.tree().l2_per_pod);
  }
  if (cut) cut->asked = request.nodes;
  return cut;
}

// Why `masks`, with hosts enough, has no such slice.
Refusal why_not(const Request& request, const Masks& masks, Instant at, Allocator& allocator) {
  if (request.exclusive != SliceExclusive::links) return Refusal::shape;
  if (request.within == SliceWithin::any) return allocator.why(masks, request.nodes);
  Masks hosts_only(masks.tree());
  Cut taken;
  for (std::uint32_t leaf = 0; leaf < masks.tree().leaves(); ++leaf)
    taken.leaves.push_back({leaf, ~masks.hosts(leaf) & ones(masks.tree().hosts_per_leaf), 0});
  hosts_only.shield(taken);
  return cut_in(request, hosts_only, at, allocator) ? Refusal::leaf_links : Refusal::shape;
}

Placement placement_of(Cut cut, std::span<const Candidate* const> nodes, const Tree& t) {
  std::vector<const Candidate*> chosen;
  const auto has = [&](std::uint32_t place) {
    return std::any_of(cut.leaves.begin(), cut.leaves.end(), [&](const Cut::Leaf& leaf) {
      return leaf.leaf == place / t.hosts_per_leaf && (leaf.hosts >> place % t.hosts_per_leaf & 1);
    });
  };
  for (const Candidate* c : nodes)
    if (has(c->place)) chosen.push_back(c);
  Placement out = slice_of(chosen);
  out.cut = std::move(cut);
  return out;
}

// The cheapest slice of one owner: with the nodes up to some price, the lowest that will do.
std::optional<Placement> of_owner(const Request& request, std::vector<const Candidate*> nodes,
                                  const Site& site, Instant at, Allocator& allocator) {
  std::stable_sort(nodes.begin(), nodes.end(),
                   [](const Candidate* a, const Candidate* b) { return a->price < b->price; });
  std::size_t tried = 0;
  for (std::size_t end = 1; end <= nodes.size(); ++end) {
    if (end < nodes.size() && nodes[end]->price == nodes[end - 1]->price) continue;
    if (end < request.nodes || (++tried > prices_max && end < nodes.size())) continue;
    const auto affordable = std::span(nodes).first(end);
    Masks masks = free_at(site, at, affordable);
    if (auto cut = cut_of(request, masks, at, allocator))
      return placement_of(std::move(*cut), affordable, masks.tree());
  }
  return {};
}

}  // namespace

Placing place_on_fabric(const Request& request,
                        const std::map<std::uint32_t, std::vector<const Candidate*>>& fitting,
                        const Site& site, Instant at, Rejection& rejection) {
  Allocator allocator(default_policy);
  Placing out;
  const std::vector<const Candidate*>* most = nullptr;
  for (const auto& [owner, nodes] : fitting) {
    if (nodes.size() < request.nodes) continue;
    if (!most || nodes.size() > most->size()) most = &nodes;
    auto slice = of_owner(request, nodes, site, at, allocator);
    if (!slice) continue;
    if (!out.placement || slice->price < out.placement->price) out.placement = std::move(slice);
  }
  if (out.placement || !most) return out;
  const Masks masks = free_at(site, at, *most);
  rejection.links = why_not(request, masks, at, allocator);
  rejection.blocker = rejection.links == Refusal::shape   ? Code::place_shape
                      : rejection.links == Refusal::hosts ? Code::place_nodes
                                                          : Code::place_links;
  return out;
}

std::optional<Instant> earliest_on_fabric(const Request& request,
                                          std::span<const Candidate> candidates, const Site& site,
                                          Instant from) {
  std::set<Instant> times{from};
  for (const Candidate& c : candidates)
    if (c.place != nowhere && c.free_at > from) times.insert(c.free_at);
  for (const Held& held : site.held)
    if (held.until > from && held.until != never) times.insert(held.until);
  std::size_t looked_at = 0;
  for (auto it = times.begin(); it != times.end(); ++it) {
    // Far ahead only the last time counts: by then all that is held is given back.
    if (++looked_at > start_times_max && std::next(it) != times.end()) continue;
    if (place(request, candidates, site, *it).placement) return *it;
  }
  return {};
}

}  // namespace weft::broker::fabric
