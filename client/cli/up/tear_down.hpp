// The end of what `weft up` started: jobs, supervisor, workers, ranks, broker, namespaces, sockets
// and run directory. Idempotent; works from the record, and finds what no record names. Thread:
// one.
#pragma once
#include "client/cli/up/record.hpp"

namespace weft::cli {

struct TornDown {
  std::uint32_t jobs = 0, ranks = 0, workers = 0, namespaces = 0;
  bool broker = false, supervisor = false;
  bool nothing() const {
    return jobs + ranks + workers + namespaces == 0 && !broker && !supervisor;
  }
};

// Cancels every live job and waits for their ends, so that their meters stop and their bills are
// whole. Without an answering broker it does nothing.
std::uint32_t cancel_jobs(const client::StateDir& state, Duration patience);

// Everything else. Errors: os.error when something could not be removed, with its name.
Result<TornDown> tear_down(const client::StateDir& state);

// Removes the state directory's own entries; a foreign file in it stays and is named.
Result<void> purge(const client::StateDir& state);

}  // namespace weft::cli
