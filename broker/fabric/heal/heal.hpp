// A link or a host of a slice has failed: how the slice goes on with as little disturbance as can
// be. In this order, first success wins:
//   links  other links, hosts held fixed: no rank moves
//   hosts  dead hosts replaced on their leaf, or the hosts of one leaf moved to another: those
//   ranks
//          start again
//   fewer  the hosts stay (but for dead ones) on what is left of the links: the slice is no longer
//          non-blocking, say so
//   whole  another place for the whole slice
// Pure and deterministic: what the slice has already is preferred, then the lowest. Source of the
// shapes: docs/specs/005-slices.md. Thread: any. Errors: none; no way to go on is the absence.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/fabric/tree/cut.hpp"

namespace weft::broker::fabric {

enum class Healing : std::uint8_t { links, hosts, fewer, whole };
std::string_view to_string(Healing healing);

struct Healed {
  Cut cut;
  Healing how{};
  std::vector<std::uint32_t> left, came;  // hosts, ascending
};

// `free`: what is nobody else's and works: the slice's own is free in it, what has failed is taken.
std::optional<Healed> heal(const Masks& free, const Cut& slice);

}  // namespace weft::broker::fabric
