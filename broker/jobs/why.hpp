// Why a request cannot start now, and every single change that would start it: found by relaxing
// one constraint at a time and asking the real placement code again. Pure.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "broker/fabric/place.hpp"
#include "broker/jobs/backfill.hpp"
#include "schemas/replies.hpp"

namespace weft::broker::jobs {

struct Situation {  // a copy of what matters
  fabric::Request request;
  std::vector<fabric::Candidate> free, fleet;
  fabric::Site site;
  Instant now;
  std::optional<Head> ahead;  // the head of the queue, when the request stands behind it
  JobId ahead_job;
  Money cash;
  std::optional<Money> cap_left;  // of lease.cost_cap
};

struct Start {  // what the request would get
  std::optional<fabric::Placement> placement;
  Code blocker{};  // none: it starts
  fabric::Rejection rejection;
};

// Would `request` start now? The same decision that the queue makes.
Start try_start(const Situation& s, const fabric::Request& request);

struct Explanation {
  std::string summary;  // one sentence
  std::vector<Code> blockers;
  std::vector<Fix> fixes;
  std::vector<std::string> clear;
};
Explanation explain(const Situation& s);

}  // namespace weft::broker::jobs
