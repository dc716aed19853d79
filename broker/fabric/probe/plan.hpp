// An acceptance probe of a slice: which ways between its nodes are measured, and when. In a turn
// every node sends to the one that stands a certain distance after it, all at the same time: such
// equal shifts meet nobody on the slice's links when its leaves are full (specs/005-slices.md), so
// a turn takes no longer than one pair alone would. Nodes are named by their place in the slice's
// list. Pure. Thread: any. Errors: none.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::broker::fabric {

// The distances of the turns, ascending: all of them, or `turns_max` spread evenly with 1 among
// them.
std::vector<std::uint32_t> probe_distances(std::uint32_t nodes, std::size_t turns_max);

inline std::uint32_t sends_to(std::uint32_t node, std::uint32_t distance, std::uint32_t nodes) {
  return (node + distance) % nodes;
}
inline std::uint32_t hears_from(std::uint32_t node, std::uint32_t distance, std::uint32_t nodes) {
  return (node + nodes - distance) % nodes;
}

}  // namespace weft::broker::fabric
