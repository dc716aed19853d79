// Placement where the fabric is known: cuts of it by the allocator. Behind broker/fabric/place.hpp.
#pragma once
#include <map>

#include "broker/fabric/place.hpp"

namespace weft::broker::fabric {

// Of these nodes, all free now: one price for the slice, the first of its offers to end, and so on.
Placement slice_of(std::span<const Candidate* const> nodes);

// `fitting`: by owner, at least one with enough nodes. Without a placement `rejection` says why.
Placing place_on_fabric(const Request& request,
                        const std::map<std::uint32_t, std::vector<const Candidate*>>& fitting,
                        const Site& site, Instant at, Rejection& rejection);
std::optional<Instant> earliest_on_fabric(const Request& request,
                                          std::span<const Candidate> candidates, const Site& site,
                                          Instant from);

}  // namespace weft::broker::fabric
