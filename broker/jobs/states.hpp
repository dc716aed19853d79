// Life cycles of jobs and attempts, as matrices: a row per state, a column per input, and no cell
// can be left out (Cell has no default). An empty cell refuses the input (state.illegal).
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "schemas/enums.hpp"

namespace weft::broker::jobs {

template <class State>
struct Cell {
  std::optional<State> to;
  constexpr Cell(State s) : to(s) {}        // NOLINT: a cell reads as the state it leads to
  constexpr Cell(std::nullopt_t) : to() {}  // NOLINT
};
template <class State, std::size_t states, std::size_t inputs>
using Matrix = std::array<std::array<Cell<State>, inputs>, states>;

enum class JobInput : std::uint8_t {
  place,    // it got a lease
  launch,   // an attempt is made, or waited for until the back-off is over
  go,       // GO was journaled
  stop,     // its attempt is being stopped
  requeue,  // it needs another lease; its place in line is kept
  succeed,
  fail,
  cancel,
  expire,
  unplace,
  preempt
};
inline constexpr std::size_t job_inputs = 11, job_live_states = 6;

namespace detail {
using enum JobState;
inline constexpr std::nullopt_t no = std::nullopt;
// clang-format off
inline constexpr Matrix<JobState, job_live_states, job_inputs> job_matrix{{
    //            place    launch    go       stop      requeue succeed    fail    cancel     expire   unplace   preempt
    /* held */     {{no,      no,       no,      no,       no,     no,        no,     cancelled, no,      unplaced, no}},
    /* queued */   {{placing, no,       no,      no,       no,     no,        failed, cancelled, no,      unplaced, no}},
    /* placing */  {{no,      starting, no,      no,       queued, no,        failed, cancelled, no,      no,       no}},
    /* starting */ {{no,      starting, running, stopping, queued, no,        failed, cancelled, expired, no,       no}},
    /* running */  {{no,      no,       no,      stopping, no,     succeeded, no,     no,        no,      no,       no}},
    /* stopping */ {{no,      starting, no,      stopping, queued, no,        failed, cancelled, expired, no,       preempted}},
}};
// clang-format on
}  // namespace detail

// Ended states absorb everything.
constexpr std::optional<JobState> next(JobState from, JobInput on) {
  if (ended(from)) return std::nullopt;
  return detail::job_matrix[static_cast<std::size_t>(from)][static_cast<std::size_t>(on)].to;
}
constexpr bool reachable(JobState from, JobState to) {
  for (std::size_t i = 0; i < job_inputs; ++i)
    if (next(from, static_cast<JobInput>(i)) == to) return true;
  return false;
}

enum class AttemptInput : std::uint8_t { go, stop, end };
inline constexpr Matrix<AttemptState, 4, 3> attempt_matrix{{
    // go, stop, end
    /* preparing */ {{AttemptState::running, AttemptState::stopping, std::nullopt}},
    /* running */ {{std::nullopt, AttemptState::stopping, std::nullopt}},
    /* stopping: a better explanation may come */
    {{std::nullopt, AttemptState::stopping, AttemptState::ended}},
    /* ended */ {{std::nullopt, std::nullopt, std::nullopt}},
}};
constexpr std::optional<AttemptState> next(AttemptState from, AttemptInput on) {
  return attempt_matrix[static_cast<std::size_t>(from)][static_cast<std::size_t>(on)].to;
}
constexpr bool reachable(AttemptState from, AttemptState to) {
  for (std::size_t i = 0; i < 3; ++i)
    if (next(from, static_cast<AttemptInput>(i)) == to) return true;
  return false;
}

}  // namespace weft::broker::jobs
