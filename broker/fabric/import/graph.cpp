#include "broker/fabric/import/graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace weft::broker::fabric {
namespace {

std::string name_of(const Block& block) {
  const std::string id = to_string(block.id);
  return block.description.empty()
             ? fmt::format("{} (line {})", id, block.line)
             : fmt::format("{} ({}, line {})", block.description, id, block.line);
}

// In-network aggregation shows as an adapter behind a port that the switch has beyond its even
// number of outer ones: 37 of 36 + 1, 41 of 40 + 1, 65 of 64 + 1.
bool aggregates(const Block& adapter, const Block* peer) {
  constexpr std::uint8_t ports_min = 37;
  if (adapter.description.find("Aggregation Node") != std::string::npos) return true;
  if (adapter.links.size() != 1 || peer == nullptr) return false;
  return peer->id.kind == NodeKind::switch_ && peer->ports >= ports_min && peer->ports % 2 == 1 &&
         adapter.links[0].peer_port == peer->ports;
}

bool before(const Block* a, const Block* b) {
  return std::pair(a->id, a->line) < std::pair(b->id, b->line);
}

}  // namespace

std::string Vertex::name() const { return name_of(*block); }

Graph::Graph(const Topology& topology, Findings& findings) : findings_(findings) {
  sort_blocks(topology);
  check_guids();
  if (!findings_.clean()) return;
  for (const Block* block : blocks_) {
    check_ports(*block);
    if (left_out(*block)) continue;
    if (block->id.kind == NodeKind::adapter) ++adapters_;
    vertices_.push_back({block, {}});
  }
  check_lids();
  for (Vertex& vertex : vertices_) connect(vertex);
  if (findings_.clean()) check_one_component();
}

void Graph::sort_blocks(const Topology& topology) {
  for (const Block& block : topology.blocks) blocks_.push_back(&block);
  std::sort(blocks_.begin(), blocks_.end(), before);
}

const Block* Graph::block_of(NodeId id) const {
  const auto found =
      std::lower_bound(blocks_.begin(), blocks_.end(), id,
                       [](const Block* block, NodeId wanted) { return block->id < wanted; });
  return found != blocks_.end() && (*found)->id == id ? *found : nullptr;
}

bool Graph::left_out(const Block& block) const {
  if (block.id.kind == NodeKind::router) {
    findings_.warning(
        block.line, Code::spec_unsupported,
        fmt::format("{}: routers to other subnets are left out", to_string(block.id)));
    return true;
  }
  if (block.id.kind != NodeKind::adapter) return false;
  return aggregates(block, block.links.empty() ? nullptr : block_of(block.links[0].peer));
}

void Graph::check_guids() {
  std::map<std::uint64_t, const Block*> seen;
  for (const Block* block : blocks_) {
    const auto [place, fresh] = seen.emplace(block->id.guid, block);
    if (fresh) continue;
    const Block *first = place->second, *second = block;
    if (second->line < first->line) std::swap(first, second);
    findings_.problem(second->line, 1, Code::spec_duplicate,
                      fmt::format("{} has the GUID of {}; a GUID is of one node, listed once",
                                  name_of(*second), name_of(*first)));
  }
}

void Graph::check_ports(const Block& block) {
  std::vector<const PortLine*> by_port;
  for (const PortLine& link : block.links) by_port.push_back(&link);
  std::sort(by_port.begin(), by_port.end(), [](const PortLine* a, const PortLine* b) {
    return std::pair(a->port, a->line) < std::pair(b->port, b->line);
  });
  for (std::size_t i = 1; i < by_port.size(); ++i)
    if (by_port[i - 1]->port == by_port[i]->port)
      findings_.problem(by_port[i]->line, 1, Code::spec_duplicate,
                        fmt::format("port {} of {} is already on line {}; a port has one link",
                                    by_port[i]->port, name_of(block), by_port[i - 1]->line));
}

void Graph::check_lids() {
  std::map<std::uint16_t, const Block*> seen;
  for (const Block* block : blocks_) {
    std::vector<std::uint16_t> lids;
    if (block->lid != 0) lids.push_back(block->lid);
    for (const PortLine& link : block->links)
      if (link.lid != 0) lids.push_back(link.lid);
    for (const std::uint16_t lid : lids) {
      const auto [place, fresh] = seen.emplace(lid, block);
      if (!fresh)
        findings_.problem(std::max(block->line, place->second->line), 1, Code::spec_duplicate,
                          fmt::format("LID {} is of {} and of {}; a LID is of one port", lid,
                                      name_of(*place->second), name_of(*block)));
    }
  }
}

void Graph::connect(Vertex& vertex) {
  const Block& block = *vertex.block;
  for (const PortLine& link : block.links) {
    if (!agrees(block, link)) continue;
    const auto found =
        std::lower_bound(vertices_.begin(), vertices_.end(), link.peer,
                         [](const Vertex& v, NodeId wanted) { return v.block->id < wanted; });
    if (found == vertices_.end() || found->block->id != link.peer) continue;  // left out
    vertex.edges.push_back({static_cast<std::uint32_t>(found - vertices_.begin()), link.port,
                            link.peer_port, link.line});
  }
  std::sort(vertex.edges.begin(), vertex.edges.end(), [](const Edge& a, const Edge& b) {
    return std::pair(a.peer, a.port) < std::pair(b.peer, b.port);
  });
}

// Whether the other end says the same of this link.
bool Graph::agrees(const Block& block, const PortLine& link) {
  const auto wrong = [&](std::string text) {
    findings_.problem(link.line, 1, Code::spec_conflict, std::move(text));
    return false;
  };
  if (link.peer == block.id)
    return wrong(fmt::format("{}: port {} leads back to the node itself; a link joins two nodes",
                             name_of(block), link.port));
  const Block* peer = block_of(link.peer);
  if (peer == nullptr)
    return wrong(
        fmt::format("{}: port {} leads to {}, which this file does not describe; every "
                    "node has its block",
                    name_of(block), link.port, to_string(link.peer)));
  for (const PortLine& back : peer->links) {
    if (back.port != link.peer_port) continue;
    if (back.peer == block.id && back.peer_port == link.port) return true;
    return wrong(
        fmt::format("{}: port {} leads to port {} of {}, which leads to port {} of {} "
                    "(line {}); the ends of a link agree",
                    name_of(block), link.port, link.peer_port, name_of(*peer), back.peer_port,
                    to_string(back.peer), back.line));
  }
  return wrong(
      fmt::format("{}: port {} leads to port {} of {}, which has no link there; a link is "
                  "listed at both ends",
                  name_of(block), link.port, link.peer_port, name_of(*peer)));
}

void Graph::check_one_component() {
  std::vector<bool> reached(vertices_.size(), false);
  std::vector<std::uint32_t> open;
  const auto spread_from = [&](std::uint32_t start) {
    reached[start] = true;
    open.push_back(start);
    while (!open.empty()) {
      const std::uint32_t v = open.back();
      open.pop_back();
      for (const Edge& edge : vertices_[v].edges) {
        if (reached[edge.peer]) continue;
        reached[edge.peer] = true;
        open.push_back(edge.peer);
      }
    }
  };
  for (std::uint32_t v = 0; v < vertices_.size(); ++v) {
    if (reached[v]) continue;
    if (v != 0)
      findings_.problem(vertices_[v].block->line, 1, Code::spec_conflict,
                        fmt::format("no path joins {} and {}: two components; a file describes one "
                                    "connected fabric",
                                    vertices_[v].name(), vertices_[0].name()));
    spread_from(v);
  }
}

}  // namespace weft::broker::fabric
