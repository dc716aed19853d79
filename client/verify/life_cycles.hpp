// Which state may follow which, as the design says it: written anew here, so that a slip in the
// broker's tables does not vouch for itself. Pure. Thread: any.
#pragma once
#include "schemas/enums.hpp"

namespace weft::client {

constexpr bool may_follow(LeaseState from, LeaseState to) {
  switch (from) {
    case LeaseState::granted: return to == LeaseState::preparing || to == LeaseState::closing;
    case LeaseState::preparing: return to == LeaseState::active || to == LeaseState::closing;
    case LeaseState::active: return to == LeaseState::closing;
    case LeaseState::closing: return to == LeaseState::returning;
    case LeaseState::returning: return to == LeaseState::closed;
    case LeaseState::closed: return false;
  }
  return false;
}

constexpr bool may_follow(JobState from, JobState to) {
  if (ended(from)) return false;
  switch (to) {
    case JobState::held: return false;
    case JobState::queued: return from != JobState::running && from != JobState::queued;
    case JobState::placing: return from == JobState::queued;
    case JobState::starting:
      return from == JobState::placing || from == JobState::starting || from == JobState::stopping;
    case JobState::running: return from == JobState::starting;
    case JobState::stopping:
      return from == JobState::starting || from == JobState::running || from == JobState::stopping;
    case JobState::succeeded: return from == JobState::running || from == JobState::stopping;
    case JobState::preempted: return from == JobState::stopping;
    case JobState::unplaced: return from == JobState::queued || from == JobState::held;
    case JobState::expired: return from == JobState::starting || from == JobState::stopping;
    case JobState::cancelled: return from != JobState::running;
    case JobState::failed: return from != JobState::running && from != JobState::held;
    default: return false;
  }
}

constexpr bool may_follow(AttemptState from, AttemptState to) {
  switch (from) {
    case AttemptState::preparing:
      return to == AttemptState::running || to == AttemptState::stopping;
    case AttemptState::running: return to == AttemptState::stopping;
    case AttemptState::stopping: return to == AttemptState::stopping || to == AttemptState::ended;
    case AttemptState::ended: return false;
  }
  return false;
}

}  // namespace weft::client
