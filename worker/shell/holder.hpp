// The holder of an attempt: a process between the worker and the ranks of one attempt (see
// schemas/holder.hpp for what it says and worker/core/hold.hpp for what it decides). It is the
// ranks' parent and a subreaper, so whatever they fork stays below it; it keeps the lease deadline
// and the exit statuses when the worker is dead. It listens at holder.sock for a worker that came
// back. Thread: one, in a process of its own.
#pragma once
#include "base/time.hpp"
#include "worker/shell/files.hpp"
#include "worker/shell/options.hpp"

namespace weft::worker {

// Runs until nothing of the attempt is left; returns the process's exit code. `link`: to the
// worker.
int run_holder(const Options& options, AttemptId attempt, Instant deadline, Fd link);

}  // namespace weft::worker
