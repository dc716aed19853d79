// weft-worker, running: waits for messages, ranks, holders, logs and timers, feeds the core,
// carries out what it wants. Thread: one (ZeroMQ has its own below).
#pragma once
#include "worker/shell/options.hpp"

namespace weft::worker {

// Returns the exit code. `options` as given; derived fields are filled in here.
int run_program(Options options);

}  // namespace weft::worker
