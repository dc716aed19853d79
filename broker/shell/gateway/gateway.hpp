// The gateway process: the only program that touches bytes from strangers. It holds the ROUTER, the
// allow-list, rate and size limits and the liveness of sessions; it holds no state that matters,
// opens no file and decides nothing. It can die at any time and be started again.
// Thread: one (libzmq's own I/O thread besides).
#pragma once
#include <string>

#include "base/result.hpp"

namespace weft::broker {

// Runs until the core says stop or is gone; returns the exit status. `fd`: the gateway's end of the
// socketpair, on which the setup arrives first.
int run_gateway(int fd, int parent_pid);

}  // namespace weft::broker
