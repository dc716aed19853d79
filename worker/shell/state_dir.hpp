// The worker's own directory: made, locked, and checked to be usable by the ranks that will run.
//   lock  epoch  worker.key  worker.log  worker.sock  attempts/  jobs/ (default of --job-root)
// As root it is 0711: ranks must pass to the socket and to their own files, and can list or read
// nothing else. One worker per directory. Errors: state.dir with the path and a way out.
#pragma once
#include "worker/shell/files.hpp"
#include "worker/shell/options.hpp"

namespace weft::worker {

// Made and locked; the lock lasts as long as the Fd. Fills in options.job_users.
Result<Fd> open_state_dir(Options& options);

Result<Epoch> load_epoch(const Options& options);               // 0 when there is none yet
Result<void> store_epoch(const Options& options, Epoch epoch);  // durable when it returns

}  // namespace weft::worker
