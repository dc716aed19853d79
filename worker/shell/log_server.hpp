// Answers FetchLog: at once when there is something to read or the rank has ended, else when its
// log grows (inotify) or the asker's patience is over. Owns: the inotify descriptor. Thread: the
// worker's.
#pragma once
#include <functional>
#include <list>
#include <map>

#include "schemas/worker.hpp"
#include "worker/shell/files.hpp"
#include "worker/shell/options.hpp"

namespace weft::worker {

class LogServer {
 public:
  using Answer = std::function<void(LogPiece)>;
  // True when the rank can't write any more (ended, or the attempt is long over).
  using Ended = std::function<bool(AttemptId, std::uint32_t rank)>;
  LogServer(const Options& options, Answer answer, Ended ended);

  int watched() const { return inotify_.get(); }
  void serve(Instant now, const FetchLog& order);
  void grown();                        // watched() is readable
  void look_again(AttemptId attempt);  // some rank of it has ended
  void time_passed(Instant now);
  Instant next_timer() const;

 private:
  struct Waiter {
    FetchLog order;
    Instant until;
    int watch = -1;
  };
  bool try_answer(const FetchLog& order, bool last_chance);
  void forget(std::list<Waiter>::iterator waiter);

  const Options& options_;
  Answer answer_;
  Ended ended_;
  Fd inotify_;
  std::list<Waiter> waiters_;
  std::map<int, int> watch_users_;
};

}  // namespace weft::worker
