#include "worker/shell/rank_server.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.hpp"
#include "worker/shell/process_tree.hpp"

namespace weft::worker {

Result<std::unique_ptr<RankServer>> RankServer::listen(const Options& options, Hooks hooks) {
  const std::size_t slash = options.socket.rfind('/');
  // Ranks connect by its plain path, which must fit a socket address.
  if (options.socket.size() > 107)
    return fail(Code::state_dir,
                fmt::format("{}: {} bytes; the path of the ranks' socket may have 107: use a "
                            "shorter --state, or --socket",
                            options.socket, options.socket.size()));
  auto fd = listen_at(options.socket.substr(0, slash == 0 ? 1 : slash),
                      options.socket.substr(slash + 1), 0666);
  if (!fd) return tl::make_unexpected(fd.error());
  return std::unique_ptr<RankServer>(new RankServer(std::move(*fd), std::move(hooks)));
}

void RankServer::accept() {
  while (auto fd = accept_from(listener_.get())) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (connections_.size() >= limits::rank_connections_max ||
        ::getsockopt(fd->get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
      continue;  // closed: a rank comes again
    const int number = fd->get();
    connections_[number] = {std::move(*fd), peer.pid, peer.uid, std::nullopt};
    hooks_.watch(number);
  }
}

// A rank's first process leads a session of its own; its children are in it, or below it.
std::optional<RankIdentity> RankServer::identify(const Connection& connection) const {
  std::optional<RankIdentity> who = hooks_.rank_of(::getsid(connection.pid));
  pid_t pid = connection.pid;
  for (int depth = 0; !who && pid > 1 && depth < 64; ++depth) {
    who = hooks_.rank_of(pid);
    const auto facts = facts_of(pid);
    if (!facts) break;
    pid = facts->parent;
  }
  if (who && hooks_.user_of(who->attempt) != connection.user) return std::nullopt;
  return who;
}

void RankServer::readable(int fd) {
  while (connections_.contains(fd)) {
    Envelope envelope;
    Error error;
    switch (receive_envelope(fd, envelope, error)) {
      case Received::nothing: return;
      case Received::closed: return close(fd);
      case Received::bad:
        log::warn("process {} on the ranks' socket: {}; cut off", connections_.at(fd).pid,
                  to_string(error));
        return close(fd);
      case Received::message: hear(fd, envelope); break;
    }
  }
}

void RankServer::hear(int fd, const Envelope& envelope) {
  Connection& c = connections_.at(fd);
  const auto* says = std::get_if<RankSays>(&envelope.body);
  if (says == nullptr) {
    log::warn("process {} on the ranks' socket says what no rank says; cut off", c.pid);
    return close(fd);
  }
  if (!c.who) {
    c.who = identify(c);
    const auto* hello = std::get_if<RankHello>(&says->body);
    if (!c.who || hello == nullptr || hello->attempt != c.who->attempt ||
        hello->rank != c.who->rank) {
      log::warn(
          "process {} (user {}) on the ranks' socket is not the rank that it says it is; cut off",
          c.pid, c.user);
      c.who.reset();
      return close(fd);
    }
    by_rank_[*c.who] = fd;
  }
  const RankIdentity who = *c.who;
  hooks_.said(who, says->body);
}

void RankServer::tell(const RankIdentity& who, const RankHearsBody& body) {
  const auto found = by_rank_.find(who);
  if (found == by_rank_.end()) return;
  const int fd = found->second;
  Envelope envelope;
  envelope.body = RankHears{body};
  // A rank that does not read its socket is not worth waiting for: it is cut off and may come
  // again.
  if (const auto sent = send_envelope(fd, envelope); !sent) close(fd);
}

void RankServer::drop(AttemptId attempt) {
  for (auto it = by_rank_.begin(); it != by_rank_.end();) {
    const auto [who, fd] = *it++;
    if (who.attempt == attempt) close(fd);
  }
}

void RankServer::close(int fd) {
  const auto found = connections_.find(fd);
  if (found == connections_.end()) return;
  const auto who = found->second.who;
  hooks_.unwatch(fd);
  connections_.erase(found);
  if (!who) return;
  if (const auto newest = by_rank_.find(*who); newest != by_rank_.end() && newest->second == fd) {
    by_rank_.erase(newest);
    hooks_.hung_up(*who);
  }
}

}  // namespace weft::worker
