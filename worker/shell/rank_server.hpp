// The worker's unix socket, at which ranks say hello. Who speaks is not what it claims but what the
// kernel says: the peer's process must be in the session of a rank here, or a descendant of it, and
// of that job's user. Owns: the sockets. Thread: the worker's.
#pragma once
#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>

#include "schemas/rank.hpp"
#include "worker/shell/channel.hpp"
#include "worker/shell/options.hpp"

namespace weft::worker {

struct RankIdentity {
  AttemptId attempt;
  std::uint32_t rank = 0;
  auto operator<=>(const RankIdentity&) const = default;
};

class RankServer {
 public:
  struct Hooks {
    // Which rank has this pid as its first process; and the user that it must run as.
    std::function<std::optional<RankIdentity>(pid_t)> rank_of;
    std::function<uid_t(AttemptId)> user_of;
    std::function<void(const RankIdentity&, const RankSaysBody&)> said;
    std::function<void(const RankIdentity&)> hung_up;
    std::function<void(int fd)> watch;  // call readable(fd) when it can be read
    std::function<void(int fd)> unwatch;
  };
  static Result<std::unique_ptr<RankServer>> listen(const Options& options, Hooks hooks);

  int listener() const { return listener_.get(); }
  void accept();
  void readable(int fd);
  bool owns(int fd) const { return connections_.contains(fd); }
  void tell(const RankIdentity& who, const RankHearsBody& body);
  void drop(AttemptId attempt);

 private:
  struct Connection {
    Fd fd;
    pid_t pid = 0;
    uid_t user = 0;
    std::optional<RankIdentity> who;
  };
  RankServer(Fd listener, Hooks hooks) : listener_(std::move(listener)), hooks_(std::move(hooks)) {}
  std::optional<RankIdentity> identify(const Connection& connection) const;
  void hear(int fd, const Envelope& envelope);
  void close(int fd);

  Fd listener_;
  Hooks hooks_;
  std::map<int, Connection> connections_;
  std::map<RankIdentity, int> by_rank_;  // the newest connection of each
};

}  // namespace weft::worker
