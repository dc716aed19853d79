#include "broker/fabric/opensm/ports.hpp"

#include <algorithm>

namespace weft::broker::fabric {

std::uint32_t switch_count(const Tree& t) { return t.leaves() + t.l2() + t.spines(); }

std::uint32_t number_of(const Tree& t, At at) {
  switch (at.tier) {
    case Tier::leaf: return at.index;
    case Tier::l2: return t.leaves() + at.index;
    case Tier::spine: return t.leaves() + t.l2() + at.index;
  }
  return 0;
}

At at_number(const Tree& t, std::uint32_t number) {
  if (number < t.leaves()) return {Tier::leaf, number};
  if (number < t.leaves() + t.l2()) return {Tier::l2, number - t.leaves()};
  return {Tier::spine, number - t.leaves() - t.l2()};
}

const Switch& switch_at(const Rail& rail, At at) {
  switch (at.tier) {
    case Tier::leaf: return rail.leaves[at.index];
    case Tier::l2: return rail.l2[at.index];
    case Tier::spine: break;
  }
  return rail.spines[at.index];
}

std::uint8_t port_of(const Rail& rail, At at, Hop hop) {
  if (hop.way == Hop::Way::none) return 0;
  const Switch& s = switch_at(rail, at);
  const auto& ports = hop.way == Hop::Way::down ? s.down : s.up;
  return hop.port < ports.size() ? ports[hop.port] : std::uint8_t{0};
}

Hop hop_of(const Rail& rail, At at, std::uint8_t port) {
  if (port == 0) return {};
  const Switch& s = switch_at(rail, at);
  if (const auto it = std::ranges::find(s.down, port); it != s.down.end())
    return {Hop::Way::down, static_cast<std::uint32_t>(it - s.down.begin())};
  if (const auto it = std::ranges::find(s.up, port); it != s.up.end())
    return {Hop::Way::up, static_cast<std::uint32_t>(it - s.up.begin())};
  return {};
}

PortGraph::PortGraph(const Rail& rail, const Masks& present) {
  const Tree& t = rail.tree;
  edges_.resize(switch_count(t));
  for (std::uint32_t l = 0; l < t.leaves(); ++l)
    for (std::uint32_t i = 0; i < t.l2_per_pod; ++i)
      if (present.leaf_up(l) >> i & 1)
        join(rail, {Tier::leaf, l}, i, {Tier::l2, t.pod_of(l) * t.l2_per_pod + i},
             l % t.leaves_per_pod);
  for (std::uint32_t s = 0; s < t.l2(); ++s)
    for (std::uint32_t j = 0; j < t.spines_per_l2; ++j)
      if (present.l2_up(s) >> j & 1)
        join(rail, {Tier::l2, s}, j, {Tier::spine, s % t.l2_per_pod * t.spines_per_l2 + j},
             s / t.l2_per_pod);
  for (auto& edges : edges_) std::ranges::sort(edges, {}, &Edge::port);
}

void PortGraph::join(const Rail& rail, At below, std::uint32_t up, At above, std::uint32_t down) {
  const std::uint8_t low = port_of(rail, below, {Hop::Way::up, up});
  const std::uint8_t high = port_of(rail, above, {Hop::Way::down, down});
  const std::uint32_t a = number_of(rail.tree, below), b = number_of(rail.tree, above);
  edges_[a].push_back({low, b, high});
  edges_[b].push_back({high, a, low});
}

std::vector<std::uint32_t> PortGraph::distances(std::uint32_t to) const {
  std::vector<std::uint32_t> out(edges_.size(), UINT32_MAX), queue{to};
  out[to] = 0;
  for (std::size_t head = 0; head < queue.size(); ++head)
    for (const Edge& e : edges_[queue[head]])
      if (out[e.to] == UINT32_MAX) {
        out[e.to] = out[queue[head]] + 1;
        queue.push_back(e.to);
      }
  return out;
}

}  // namespace weft::broker::fabric
