// EASY backfill: a job behind a blocked head may start now if the head can still start when it
// could have without it. Pure; decided by the same placement code that will place the head.
#pragma once
#include <optional>

#include "base/limits.hpp"
#include "broker/fabric/place.hpp"

namespace weft::broker::jobs {

struct Head {
  fabric::Request request;
  Instant at;  // when it can start as things stand
};

// A placement for `request` now that does not delay the head; nothing if there is none.
// fleet: every node that is or will be to let, with free_at.
std::optional<fabric::Placement> backfill(const fabric::Request& request, const Head& head,
                                          const std::vector<fabric::Candidate>& free,
                                          const std::vector<fabric::Candidate>& fleet,
                                          const fabric::Site& site, Instant now);

// The fleet as it will be when `placement` is held until `until`.
std::vector<fabric::Candidate> with_held(std::vector<fabric::Candidate> fleet,
                                         const fabric::Placement& placement, Instant until);
fabric::Site with_held(fabric::Site site, const fabric::Placement& placement, Instant until);

}  // namespace weft::broker::jobs
