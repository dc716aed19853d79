// The live attempts of a worker: links to their holders, adoption after a restart, old logs.
// Owns: the links. Thread: the worker's.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "worker/core/event.hpp"
#include "worker/shell/launcher.hpp"
#include "worker/shell/rank_server.hpp"

namespace weft::worker {

class Attempts {
 public:
  struct Hooks {
    std::function<void(Event)> happened;
    std::function<void(int fd)> watch, unwatch;  // of a link
  };
  Attempts(const Options& options, Launcher& launcher, Hooks hooks);

  // Everything that lies on disk: forgotten ones only keep logs; of the others, the holder is found
  // again or, when it is gone, its leftovers are killed and its ranks reported as lost.
  std::vector<AttemptId> forgotten_on_disk() const;
  void adopt_all();

  void launch(const Prepare& order, Instant now);
  void tell(AttemptId attempt, const HolderOrderBody& body);
  void drop(AttemptId attempt);  // forgotten by the broker

  bool owns(int fd) const { return by_fd_.contains(fd); }
  void readable(int fd);

  std::optional<RankIdentity> rank_of(pid_t first_process) const;
  uid_t user_of(AttemptId attempt) const;
  bool ended(AttemptId attempt, std::uint32_t rank) const;  // true for what is not live

 private:
  struct Live {
    Prepare order;
    HolderState state;
    Fd link;
    std::map<std::uint32_t, RankEnd> ends;  // with last lines, once each
  };
  void adopt(AttemptId attempt);
  void heard(Live& live, HolderState state);
  void holder_lost(Live& live);
  void connect(Live& live, Fd link);
  void disconnect(Live& live);
  void prune();

  const Options& options_;
  Launcher& launcher_;
  Hooks hooks_;
  std::map<AttemptId, Live> live_;
  std::map<int, AttemptId> by_fd_;
  std::deque<std::pair<AttemptId, std::uint64_t>>
      old_;  // forgotten ones and their bytes, oldest first
};

}  // namespace weft::worker
