// Placement: which nodes a request gets, or why it gets none. Pure functions over a list of
// candidates; `weft why`, dry runs, quotes, the queue and backfill all ask the same ones.
// In this version the fabric is flat (every node is one hop from every other) and nodes are given
// out whole. A Placement is the place where links will be named.
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

namespace weft::broker::fabric {

struct Request {
  std::uint32_t nodes = 1;
  std::uint32_t gpus_per_node = 0;
  Duration term;
  Duration notice;  // least notice accepted; 0: only a firm lease will do
  std::optional<Price> price_max;
};

struct Candidate {  // a node that is, or will be, to let
  NodeId node;
  std::uint32_t owner = 0;  // index of its owner: a slice never mixes owners
  std::uint32_t units = 1;
  std::uint32_t gpus = 0;
  Price price;      // what its owner gets per unit-hour: max(floor, price book)
  Duration notice;  // of its offer; 0: only firm leases
  Instant until;    // end of its offer
  Instant free_at;  // not before this
};

struct Placement {
  std::vector<NodeId> nodes;  // ascending
  std::uint32_t owner = 0;
  std::uint32_t units = 0;  // over all nodes
  Price price;              // one price for the slice: the dearest node's
  Duration notice;          // the least that its offers promise; 0: firm
  Instant until;            // when the first of its offers ends
};

struct Rejection {  // how many of the candidates failed at what, the first reason of each
  Code blocker{};   // the reason that stands in the way, in the order of the fields below
  std::uint32_t busy = 0, gpus = 0, notice = 0, window = 0, price = 0;
  std::uint32_t fit = 0;  // most fitting nodes that one owner has
};

struct Placed {  // exactly one of the two
  std::optional<Placement> placement;
  Rejection rejection;
};

// The cheapest slice for `request` that can start at `at`: lowest price, then fewest units, then
// lowest node ids.
Placed place(const Request& request, std::span<const Candidate> candidates, Instant at);

// The earliest instant >= `from` at which place() would succeed if nothing else changes;
// nothing if never.
std::optional<Instant> earliest_start(const Request& request, std::span<const Candidate> candidates,
                                      Instant from);

// The nodes of `candidates` that could ever serve `request`: most that one owner has.
std::uint32_t most_ever(const Request& request, std::span<const Candidate> candidates,
                        Instant from);

}  // namespace weft::broker::fabric
