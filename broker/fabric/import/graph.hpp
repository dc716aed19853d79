// Private to broker/fabric/import: the blocks as a graph whose links agree at both ends.
// Errors: as problems that name both ends with their lines.
#pragma once
#include <span>

#include "broker/fabric/import/blocks.hpp"

namespace weft::broker::fabric {

struct Edge {
  std::uint32_t peer = 0;  // index of a vertex
  std::uint8_t port = 0, peer_port = 0;
  int line = 0;
};

struct Vertex {
  const Block* block = nullptr;
  std::vector<Edge> edges;  // by peer, then port

  bool is_switch() const { return block->id.kind == NodeKind::switch_; }
  std::string name() const;  // for messages: "leaf0_0 (S-..., line 12)"
};

// Adapters first, then switches, each by GUID: whatever follows the order of vertices does not
// depend on the order of blocks. Left out, with a warning: routers, and the adapters by which
// switches offer in-network aggregation. Keeps pointers into `topology`.
class Graph {
 public:
  Graph(const Topology& topology, Findings& findings);
  std::span<const Vertex> vertices() const { return vertices_; }
  const Vertex& operator[](std::uint32_t i) const { return vertices_[i]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(vertices_.size()); }
  std::uint32_t adapters() const { return adapters_; }

 private:
  void sort_blocks(const Topology& topology);
  const Block* block_of(NodeId id) const;
  bool left_out(const Block& block) const;
  void check_guids();
  void check_ports(const Block& block);
  void check_lids();
  void connect(Vertex& vertex);
  bool agrees(const Block& block, const PortLine& link);
  void check_one_component();

  Findings& findings_;
  std::vector<const Block*> blocks_;  // all, by id
  std::vector<Vertex> vertices_;
  std::uint32_t adapters_ = 0;
};

}  // namespace weft::broker::fabric
