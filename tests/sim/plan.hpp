// What a seed means: the size of the world, how hostile it is, and for how long. Everything else is
// drawn while it runs.
#pragma once
#include "broker/core/core.hpp"
#include "tests/sim/random.hpp"

namespace weft::sim {

struct Plan {
  std::uint64_t seed = 0;
  int workers = 4, customers = 2, sellers = 1;
  Duration hostile = minutes(4);  // faults happen until then
  Duration calm = minutes(8);     // afterwards everything must come to rest in this time
  Duration request_every = milliseconds(3'000);  // per client, on average

  // Per mille of messages, or mean time between two of a kind (0: never).
  std::uint32_t loss = 0, repeat = 0, overtake = 0;
  Duration delay_max = milliseconds(20);
  Duration cut_every, gateway_every, broker_every, worker_every, hang_every, host_every;
  std::uint32_t crash_at_commit = 0;  // per mille of commits
  Duration commit_max = milliseconds(8);
  std::uint32_t slow_commit = 0;  // per mille of commits take up to 3 s
  std::uint32_t bad_rank = 0;     // per mille of ranks that end badly
  std::uint32_t bad_fabric = 0;   // per mille of transitions that fail, or slices that differ
  Duration link_every;
  std::uint32_t bad_prepare = 0;  // per mille of prepares that are refused or too slow
  Duration clock_step_max;        // of the wall clock, at a restart
  broker::CoreConfig core;
};

Plan make_plan(std::uint64_t seed, Duration hostile = {});

}  // namespace weft::sim
