#include "worker/shell/log_server.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "worker/shell/attempt_dir.hpp"
#include "worker/shell/log_file.hpp"

namespace weft::worker {

LogServer::LogServer(const Options& options, Answer answer, Ended ended)
    : options_(options),
      answer_(std::move(answer)),
      ended_(std::move(ended)),
      inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

bool LogServer::try_answer(const FetchLog& order, bool last_chance) {
  const bool ended =
      ended_(order.attempt, order.rank);  // asked before reading: nothing comes after
  LogPiece piece;
  piece.ticket = order.ticket;
  auto chunk =
      read_log(options_, order.attempt, order.rank, order.errors, order.offset, order.bytes_max);
  if (!chunk) {
    piece.code = chunk.error().code;
    piece.detail = chunk.error().detail;
    answer_(std::move(piece));
    return true;
  }
  if (chunk->data.empty() && !ended && !last_chance) return false;
  chunk->end = chunk->data.empty() && ended;
  if (!chunk->data.empty() && ended) {  // saves the asker a round trip
    const auto more = read_log(options_, order.attempt, order.rank, order.errors, chunk->next, 1);
    chunk->end = more && more->data.empty();
  }
  piece.chunk = std::move(*chunk);
  answer_(std::move(piece));
  return true;
}

void LogServer::serve(Instant now, const FetchLog& order) {
  const bool may_wait = order.wait.ms > 0 && waiters_.size() < limits::log_waits_max;
  if (try_answer(order, !may_wait)) return;
  Waiter waiter{order, now + order.wait, -1};
  const std::string path = log_path(options_, order.attempt, order.rank, order.errors);
  waiter.watch = ::inotify_add_watch(inotify_.get(), path.c_str(), IN_MODIFY);
  if (waiter.watch >= 0) ++watch_users_[waiter.watch];
  waiters_.push_back(std::move(waiter));
  if (try_answer(order, false))
    forget(std::prev(waiters_.end()));  // it grew before the watch stood
}

void LogServer::forget(std::list<Waiter>::iterator waiter) {
  if (waiter->watch >= 0 && --watch_users_[waiter->watch] == 0) {
    watch_users_.erase(waiter->watch);
    ::inotify_rm_watch(inotify_.get(), waiter->watch);
  }
  waiters_.erase(waiter);
}

void LogServer::grown() {
  alignas(inotify_event) char space[4'096];
  std::set<int> changed;
  for (ssize_t n = 0; (n = ::read(inotify_.get(), space, sizeof space)) > 0;)
    for (const char* at = space; at < space + n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      changed.insert(event->wd);
      at += sizeof(inotify_event) + event->len;
    }
  for (auto it = waiters_.begin(); it != waiters_.end();) {
    const auto waiter = it++;
    if (changed.contains(waiter->watch) && try_answer(waiter->order, false)) forget(waiter);
  }
}

void LogServer::look_again(AttemptId attempt) {
  for (auto it = waiters_.begin(); it != waiters_.end();) {
    const auto waiter = it++;
    if (waiter->order.attempt == attempt && try_answer(waiter->order, false)) forget(waiter);
  }
}

void LogServer::time_passed(Instant now) {
  for (auto it = waiters_.begin(); it != waiters_.end();) {
    const auto waiter = it++;
    if (waiter->until <= now && try_answer(waiter->order, true)) forget(waiter);
  }
}

Instant LogServer::next_timer() const {
  Instant next = never;
  for (const Waiter& waiter : waiters_) next = std::min(next, waiter.until);
  return next;
}

}  // namespace weft::worker
