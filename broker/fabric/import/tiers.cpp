#include "broker/fabric/import/tiers.hpp"

#include <fmt/format.h>

namespace weft::broker::fabric {
namespace {

constexpr std::string_view rank_names[] = {"unknown", "host", "leaf", "L2 switch", "spine"};

std::string_view rank_name(Rank rank) { return rank_names[static_cast<std::size_t>(rank)]; }

// A host has one link, to a switch.
void check_host(const Graph& graph, const Vertex& host, Findings& findings) {
  const auto wrong = [&](int line, std::string text) {
    findings.problem(line, 1, Code::spec_conflict, std::move(text));
  };
  if (host.edges.empty())
    return wrong(host.block->line,
                 fmt::format("{} has no link; a host is linked to its leaf", host.name()));
  for (const Edge& edge : host.edges)
    if (!graph[edge.peer].is_switch())
      return wrong(edge.line, fmt::format("a link joins the hosts {} and {}; a host is linked to "
                                          "its leaf switch",
                                          host.name(), graph[edge.peer].name()));
  if (host.edges.size() > 1)
    wrong(host.edges[1].line,
          fmt::format("{} is linked to {} and to {}; a host has one link on a rail (each rail is a "
                      "file of its own)",
                      host.name(), graph[host.edges[0].peer].name(),
                      graph[host.edges[1].peer].name()));
}

void check_switch(const Graph& graph, std::uint32_t v, const std::vector<Rank>& ranks,
                  Findings& findings) {
  const Vertex& vertex = graph[v];
  if (ranks[v] == Rank::unknown) {
    for (const Edge& edge : vertex.edges)
      if (ranks[edge.peer] == Rank::spine)
        return findings.problem(
            vertex.block->line, 1, Code::spec_unsupported,
            fmt::format("{} lies beyond the spine {}: a fourth level of switches; a fabric has two "
                        "or three",
                        vertex.name(), graph[edge.peer].name()));
    return;  // further out still: the message above names the one before it
  }
  for (std::size_t i = 0; i < vertex.edges.size(); ++i) {
    const Edge& edge = vertex.edges[i];
    if (edge.peer < v || !graph[edge.peer].is_switch()) continue;  // seen from the other end
    if (i > 0 && vertex.edges[i - 1].peer == edge.peer)
      findings.problem(
          edge.line, 1, Code::spec_conflict,
          fmt::format("{} and {} are joined by parallel links (here and on line {}); a "
                      "slice owns whole links, so two switches have one",
                      vertex.name(), graph[edge.peer].name(), vertex.edges[i - 1].line));
    const Rank a = ranks[v], b = ranks[edge.peer];
    if (b == Rank::unknown) continue;  // named above
    if (static_cast<int>(a) - static_cast<int>(b) == 1 ||
        static_cast<int>(b) - static_cast<int>(a) == 1)
      continue;
    findings.problem(
        edge.line, 1, Code::spec_conflict,
        fmt::format("a link joins {} and {}, {} and {}: no fat tree; links join a leaf "
                    "and an L2 switch, or an L2 switch and a spine",
                    vertex.name(), graph[edge.peer].name(), rank_name(a), rank_name(b)));
  }
}

}  // namespace

std::vector<Rank> find_tiers(const Graph& graph, Findings& findings) {
  std::vector<Rank> ranks(graph.size(), Rank::unknown);
  if (graph.adapters() == 0)
    findings.problem(1, 1, Code::spec_missing,
                     "no host: no block begins with Ca; a fabric has at least one");
  for (std::uint32_t v = 0; v < graph.adapters(); ++v) {
    ranks[v] = Rank::host;
    check_host(graph, graph[v], findings);
    for (const Edge& edge : graph[v].edges)
      if (graph[edge.peer].is_switch()) ranks[edge.peer] = Rank::leaf;
  }
  for (const auto& [low, high] : {std::pair{Rank::leaf, Rank::l2}, {Rank::l2, Rank::spine}})
    for (std::uint32_t v = graph.adapters(); v < graph.size(); ++v)
      if (ranks[v] == low)
        for (const Edge& edge : graph[v].edges)
          if (ranks[edge.peer] == Rank::unknown) ranks[edge.peer] = high;
  for (std::uint32_t v = graph.adapters(); v < graph.size(); ++v)
    check_switch(graph, v, ranks, findings);
  return ranks;
}

}  // namespace weft::broker::fabric
