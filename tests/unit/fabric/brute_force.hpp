// What room a small fabric has, by trying every way to spread hosts over its leaves and every set
// of links: straight from the table of docs/specs/005-slices.md, sharing no code with the allocator
// or the referee, so that the three can be compared. For trees of up to 16 hosts.
// Thread: any. Errors: none.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/fabric/tree/cut.hpp"

namespace weft::broker::fabric::brute {

// What is free, as plain data.
struct Free {
  explicit Free(const Masks& masks);
  Free(const Tree& tree, const Cut& only);  // just the elements of this cut

  Tree tree;
  std::vector<std::uint32_t> hosts;      // of each leaf: how many
  std::vector<std::uint64_t> up, spine;  // of each leaf: L2 indices; of each L2: spine indices
};
Free with_free_links(Free free, bool spine_links_too);

using Counts = std::vector<std::uint32_t>;  // hosts on each leaf
struct Links {
  std::uint32_t leaf = 0, spine = 0;  // how many of each kind the placement owns
};
// Whether hosts spread so have a place of that shape, and what links it owns then.
std::optional<Links> as_leaf(const Counts& counts);
std::optional<Links> as_pod(const Free& free, const Counts& counts);
std::optional<Links> as_pods(const Free& free, const Counts& counts);
std::optional<Links> as_owned(const Free& free, const Counts& counts);

// Bit N: N hosts have a place of that shape.
struct Room {
  std::uint32_t hosts = 0;  // all free ones
  std::uint64_t leaf = 0, pod = 0, pods = 0;
  std::uint64_t owned_in_pod = 0, owned_in_pods = 0;
};
Room room(const Free& free);

std::string describe(const Free& free);

}  // namespace weft::broker::fabric::brute
