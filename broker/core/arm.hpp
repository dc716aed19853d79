// Timers that follow from durable state. arm() is called for every fact, arm_all() after replay.
#pragma once
#include "broker/core/tx.hpp"

namespace weft::broker {

void arm(Tx& tx, const Fact& fact);
void arm_all(Tx& tx);
void arm_lease(Tx& tx, LeaseId id);
// Between the order to stop and the end by force.
Duration grace_of(const Machine& machine, const JobSpec& spec);
Instant next_hour(Instant t);

}  // namespace weft::broker
