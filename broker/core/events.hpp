// What `weft events` shows: one line per fact that matters to a person. Soft: rebuilt by replay
// from the newest snapshot on, the newest limits::events_kept are kept.
#pragma once
#include "broker/core/machine.hpp"

namespace weft::broker {

void record_event(Machine& machine, const Fact& fact, Seq seq, Instant at);

}  // namespace weft::broker
