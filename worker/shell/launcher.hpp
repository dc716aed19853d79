// A small process, forked before the worker has threads, sockets or libraries in use, that forks
// the holders: a fork of the worker itself would copy more and be unsafe beside ZeroMQ's threads,
// an exec would cost a gang launch milliseconds. One holder is always forked ahead, as a spare. It
// ends when the worker ends, and the spare with it; holders at work stay. Owns: the socket to it.
// Thread: the worker's.
#pragma once
#include "base/time.hpp"
#include "worker/shell/files.hpp"
#include "worker/shell/options.hpp"

namespace weft::worker {

class Launcher {
 public:
  // Call while the process is single-threaded. `options` is what the holders will see.
  static Result<Launcher> start(const Options& options);
  // The link to a new holder of an attempt whose order is stored. os.error when the launcher is
  // gone.
  Result<Fd> launch(AttemptId attempt, Instant deadline);

 private:
  explicit Launcher(Fd socket) : socket_(std::move(socket)) {}
  Fd socket_;
};

}  // namespace weft::worker
