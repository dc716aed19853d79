// Slices of the fabric through their lives: cut with the lease, programmed by the driver, verified,
// healed, taken back. A lease is handed over only when what the fabric reports equals what was
// asked (promise 8); what differs is quarantined, and nothing is billed for it. Where no fabric is
// known, or nobody programs it (driver `none`), a slice is ready at once and says that it is only
// recorded.
#pragma once
#include "broker/core/tx.hpp"

namespace weft::broker {

// The fabric under the candidates at `now`: what may be rented, who holds what until when.
fabric::Site site_of(const Machine& machine, Instant now);
// What is free to everybody and what this lease has.
fabric::Masks free_but_for(const Machine& machine, LeaseId lease, Instant now);
// Leaf by leaf, as collectives want it; by name where no fabric is known.
std::vector<NodeId> rank_order(const Tx& tx, const fabric::Placement& placement);
// The slice of a new lease or quote. Where keys are used it gets one of its own.
Slice slice_for(const Tx& tx, const fabric::Cut& cut);
fabric::Cut cut_of(const Slice& slice);
Links links_of(const fabric::Cut& cut);

// May ranks start on it? (Those that run on one that is degraded go on.)
bool delivered(const Tx& tx, LeaseId lease);
// What a rank is told about its slice, added to the spec that it is launched with.
void add_environment(const Tx& tx, const Lease& lease, JobSpec& spec);
// No ranks are left on it. True: the fabric need not be waited for.
bool take_back(Tx& tx, LeaseId lease);

// At the end of every step: the driver is asked when something has changed and it is idle.
void program(Tx& tx);
void program_again(Tx& tx);
void driver_started(Tx& tx);
void driver_said(Tx& tx, const DriverSaysBody& body);
void arm_slice(Tx& tx, LeaseId lease);
void slice_due(Tx& tx, LeaseId lease);
// The lease ends because its slice cannot be used: nobody's rank is to blame.
void slice_lost(Tx& tx, LeaseId lease, Cause cause, Code code, const std::string& detail);

}  // namespace weft::broker
