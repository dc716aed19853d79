// Placement: which nodes a request gets, or why it gets none. Pure functions over a list of
// candidates; `weft why`, dry runs, quotes, the queue and backfill all ask the same ones.
// Nodes are given out whole. Where the fabric is known (Site), a placement is a cut of it: nodes
// and the links between them, that no other slice has. Else every node is one hop from every other.
// Thread: any. Errors: none; a refusal is a Rejection with counts.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/codes.hpp"
#include "base/ids.hpp"
#include "base/money.hpp"
#include "base/time.hpp"
#include "broker/fabric/tree/allocator.hpp"
#include "schemas/enums.hpp"

namespace weft::broker::fabric {

struct Request {
  std::uint32_t nodes = 1;
  std::uint32_t gpus_per_node = 0;
  Duration term;
  Duration notice;  // least notice accepted; 0: only a firm lease will do
  std::optional<Price> price_max;
  SliceWithin within{};
  SliceExclusive exclusive{};
};

inline constexpr std::uint32_t nowhere = UINT32_MAX;

struct Candidate {  // a node that is, or will be, to let
  NodeId node;
  std::uint32_t owner = 0;  // index of its owner: a slice never mixes owners
  std::uint32_t units = 1;
  std::uint32_t gpus = 0;
  Price price;                    // what its owner gets per unit-hour: max(floor, price book)
  Duration notice;                // of its offer; 0: only firm leases
  Instant until;                  // end of its offer
  Instant free_at;                // not before this
  std::uint32_t place = nowhere;  // of its host in the tree; nowhere: the fabric does not have it
};

struct Held {  // links and hosts of a slice, or of a quote
  Cut cut;
  Instant until;
};
struct Site {                     // the fabric on which the candidates stand
  std::optional<Masks> rentable;  // what may be rented at all; none: no fabric is known
  std::vector<Held> held;
};

struct Placement {
  std::vector<NodeId> nodes;  // ascending
  std::uint32_t owner = 0;
  std::uint32_t units = 0;  // over all nodes
  Price price;              // one price for the slice: the dearest node's
  Duration notice;          // the least that its offers promise; 0: firm
  Instant until;            // when the first of its offers ends
  Cut cut;                  // without leaves: no fabric is known
};

struct Rejection {  // how many of the candidates failed at what, the first reason of each
  Code blocker{};   // the reason that stands in the way, in the order of the fields below
  std::uint32_t busy = 0, gpus = 0, notice = 0, window = 0, price = 0;
  std::uint32_t fit = 0;  // most fitting nodes that one owner has
  Refusal links{};        // where there are nodes enough: why the fabric has no slice of them
};

struct Placing {  // exactly one of the two
  std::optional<Placement> placement;
  Rejection rejection;
};

// The cheapest slice for `request` that can start at `at`: lowest price, then fewest units, then
// lowest node ids. On a fabric: the lowest price at which there is a slice, then what the allocator
// takes.
Placing place(const Request& request, std::span<const Candidate> candidates, const Site& site,
              Instant at);

// The earliest instant >= `from` at which place() would succeed if nothing else changes;
// nothing if never.
std::optional<Instant> earliest_start(const Request& request, std::span<const Candidate> candidates,
                                      const Site& site, Instant from);

// The nodes of `candidates` that could ever serve `request`: most that one owner has.
std::uint32_t most_ever(const Request& request, std::span<const Candidate> candidates,
                        Instant from);

}  // namespace weft::broker::fabric
