// Makes room for a request by giving running slices other places: what is to move, and where to. A
// plan only; the gangs that move stop at a step boundary and start again (or go on, where hosts are
// kept). Method: take slices out, smallest first up to a size, place the request, put back what can
// stay where it was, and place the rest anew; of a few such sizes the cheapest plan. Nothing moves
// but for the request, and never one that is larger than it.
// Pure and deterministic. Thread: one. Errors: none; no plan is the absence.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "broker/fabric/tree/allocator.hpp"

namespace weft::broker::fabric {

struct Running {  // a slice that may be moved
  Cut cut;
  Term term;
};

struct Rehoming {
  struct Move {
    std::size_t which = 0;  // position among the running ones
    Cut to;
  };
  Cut cut;  // of the request
  std::vector<Move> moves;
  std::uint32_t moved_hosts = 0;  // that were asked for: what stands still meanwhile
};

// At most `moved_max` hosts move. `free`: what nobody has. Costs up to seven times as many searches
// as there are slices smaller than the request.
std::optional<Rehoming> rehome(Allocator& allocator, const Masks& free,
                               std::span<const Running> running, std::uint32_t hosts, Term term,
                               std::uint64_t moved_max);

}  // namespace weft::broker::fabric
