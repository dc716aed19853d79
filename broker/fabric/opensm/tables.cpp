#include "broker/fabric/opensm/tables.hpp"

#include <algorithm>

namespace weft::broker::fabric {

std::uint32_t lid_count(const Rail& rail) {
  std::uint32_t top = 0;
  for (const Host& host : rail.hosts) top = std::max<std::uint32_t>(top, host.lid);
  for (const auto* tier : {&rail.leaves, &rail.l2, &rail.spines})
    for (const Switch& s : *tier) top = std::max<std::uint32_t>(top, s.lid);
  return top + 1;
}

Tables switch_tables(const Rail& rail, const Masks& present) {
  const PortGraph graph(rail, present);
  Tables out;
  out.lids = lid_count(rail);
  out.of.resize(graph.size());
  for (std::uint32_t s = 0; s < graph.size(); ++s)
    if (!switch_at(rail, at_number(rail.tree, s)).name.empty())
      out.of[s].assign(out.lids, Tables::none);
  for (std::uint32_t target = 0; target < graph.size(); ++target) {
    const Switch& s = switch_at(rail, at_number(rail.tree, target));
    if (s.name.empty() || s.lid == 0) continue;
    const auto distance = graph.distances(target);
    out.of[target][s.lid] = 0;  // the switch itself
    for (std::uint32_t from = 0; from < graph.size(); ++from) {
      if (from == target || out.of[from].empty()) continue;
      for (const Edge& e : graph.edges(from))
        if (distance[e.to] != UINT32_MAX && distance[e.to] + 1 == distance[from]) {
          out.of[from][s.lid] = e.port;
          break;
        }
    }
  }
  return out;
}

void add_hosts(Tables& tables, const Rail& rail, const Routes& routes) {
  for (std::uint32_t s = 0; s < tables.of.size(); ++s) {
    if (tables.of[s].empty()) continue;
    const At at = at_number(rail.tree, s);
    for (std::uint32_t h = 0; h < rail.hosts.size(); ++h) {
      if (rail.hosts[h].lid == 0) continue;
      const std::uint8_t port = port_of(rail, at, routes.next(at, h));
      tables.of[s][rail.hosts[h].lid] = port == 0 ? Tables::none : port;
    }
  }
}

}  // namespace weft::broker::fabric
