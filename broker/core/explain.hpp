// `weft why` and dry runs: what stands in the way of a job, and which single change would start it
// now. Every fix is tried with the placement code that will run it, on a copy of the state.
#pragma once
#include "broker/core/tx.hpp"

namespace weft::broker {

// A job that waits (also: is held, backs off, is on a lease).
Why why_waiting(const Tx& tx, const Job& job);
// How a job ended, or what it does now.
Why why_not_waiting(const Tx& tx, const Job& job);
DryRun dry_run(const Tx& tx, const std::string& account, const JobSpec& spec);
// In a few words, for a line of a list.
std::string short_note(const Tx& tx, const Job& job);

}  // namespace weft::broker
