// Private to broker/fabric/import: ibnetdiscover text as blocks, one a node, unjudged.
// Form: infiniband-diags, src/ibnetdiscover.c (out_switch, out_ca, out_switch_port, out_ca_port).
// Errors: as problems with line and column; lines that it does not know are warnings.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/fabric/import/findings.hpp"

namespace weft::broker::fabric {

enum class NodeKind : std::uint8_t { adapter, switch_, router };

struct NodeId {
  NodeKind kind{};
  std::uint64_t guid = 0;
  auto operator<=>(const NodeId&) const = default;
};
std::string to_string(NodeId id);  // "S-0002c90200000000"

struct PortLine {  // [3] "S-0002c90200000010"[1] # "leaf0_1" lid 18 4xHDR
  std::uint8_t port = 0, peer_port = 0;
  NodeId peer;
  std::uint64_t port_guid = 0;  // of an adapter's own port
  std::uint16_t lid = 0;        // the same
  std::uint64_t bits_per_second = 0;
  int line = 0;
};

struct Block {
  NodeId id;
  std::uint8_t ports = 0;
  std::uint16_t lid = 0;  // of a switch
  std::string description;
  std::vector<PortLine> links;
  int line = 0;
};

struct Topology {
  std::vector<Block> blocks;
  std::string name;  // of #WEFT lines, as the next two
  std::uint64_t link_rate_bps = 0;
  struct Reserved {
    std::string host;
    int line = 0;
  };
  std::vector<Reserved> reserved;
};

Topology read_blocks(std::string_view text, Findings& findings);

}  // namespace weft::broker::fabric
