// The fabric as it is: one fat tree a rail, every element at its place in the tree, with the names,
// GUIDs, LIDs and port numbers that the outside knows it by. What the tree has room for and the
// fabric lacks (or must not sell) is missing here and a taken bit in the allocator's masks.
// Places: host = leaf * hosts_per_leaf + slot; leaf = pod * leaves_per_pod + i;
// L2 switch = pod * l2_per_pod + i; spine = i * spines_per_l2 + j (tree i). Two levels: one pod, no
// spines. Thread: any. Errors: none here.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "broker/fabric/tree/cut.hpp"

namespace weft::broker::fabric {

struct Host {              // its port on this rail
  std::string name;        // of the node; empty: no host at this place
  std::uint64_t guid = 0;  // of the channel adapter; 0 where there are no GUIDs
  std::uint64_t port_guid = 0;
  std::uint16_t lid = 0;
  std::uint8_t port = 1;  // of the adapter
  bool reserved = false;  // never rented: it runs the fabric manager
  bool operator==(const Host&) const = default;
};

struct Switch {
  std::string name;  // empty: no switch at this place
  std::uint64_t guid = 0;
  std::uint16_t lid = 0;
  std::uint8_t ports = 0;
  // Port numbers by place: of a leaf down = slots, up = L2 indices; of an L2 switch down = leaves
  // of its pod, up = spines of its tree; of a spine down = pods. 0: no link.
  std::vector<std::uint8_t> down, up;
  bool operator==(const Switch&) const = default;
};

struct Rail {
  Tree tree;
  std::vector<Host> hosts;
  std::vector<Switch> leaves, l2, spines;
  bool operator==(const Rail&) const = default;
};

struct Fabric {
  std::string name;
  std::uint64_t link_rate_bps = 0;  // of one link, one way; 0: not known
  std::vector<Rail> rails;          // at least one; all have the same tree and hosts
  bool operator==(const Fabric&) const = default;

  const Tree& tree() const { return rails.front().tree; }
};

// 3, or 2 where no rail has a spine.
std::uint32_t levels(const Fabric& fabric);
// What no slice may have: places without an element on any rail, and reserved hosts.
Cut unrentable(const Fabric& fabric);
// All that is there and may be rented, free.
Masks all_free(const Fabric& fabric);
// The links that there are on a rail, free; hosts count where they exist, reserved ones too.
Masks present(const Rail& rail);

}  // namespace weft::broker::fabric
