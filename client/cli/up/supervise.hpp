// The supervisor of `weft up`: a process in a session of its own that starts broker and workers and
// starts again what dies. It stops nothing when it is stopped: `weft down` does.
#pragma once
#include "client/state_dir.hpp"

namespace weft::cli {

// `go`: descriptor on which `weft up` writes one byte once the workers' keys are enrolled; its end
// without that byte means that the start-up failed. Returns the exit code of the process.
int supervise(const client::StateDir& state, int go);

}  // namespace weft::cli
