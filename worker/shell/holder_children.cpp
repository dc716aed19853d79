// Of the holder: ranks that run, end, are signalled and killed.
#include "worker/shell/holder_process.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "base/log.hpp"
#include "worker/shell/cgroup.hpp"
#include "worker/shell/clock.hpp"
#include "worker/shell/log_file.hpp"
#include "worker/shell/process_tree.hpp"

namespace weft::worker {

void Holder::release() {
  const std::string bytes(hold_.state().ranks.size(), 'g');
  if (::write(go_out_.get(), bytes.data(), bytes.size()) < 0)
    log::error("go: {}", std::strerror(errno));
}

void Holder::term() {
  const auto asked = static_cast<int>(order_.spec.checkpoint_signal);
  for (const auto& [pid, rank] : ranks_) {
    ::kill(-pid, asked != 0 ? asked : SIGTERM);
    ::kill(-pid, SIGCONT);  // a stopped process never handles TERM
  }
}

void Holder::signal(const hold::Signal& s) {
  for (const auto& [pid, rank] : ranks_)
    if (s.rank < 0 || static_cast<std::uint32_t>(s.rank) == rank)
      ::kill(pid, static_cast<int>(s.number));
}

void Holder::kill_tree() {
  go_out_.reset();
  reap();
  if (nothing_left()) return;
  if (!hold_.state().cgroup.empty()) kill_cgroup(hold_.state().cgroup);
  for (const pid_t pid : descendants_of(::getpid())) ::kill(pid, SIGKILL);
}

// As a subreaper we are the parent of every orphan below: no child, no process.
bool Holder::nothing_left() const {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

void Holder::reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) break;
    child_ended(pid, status);
  }
}

void Holder::child_ended(pid_t pid, int status) {
  const bool killed = WIFSIGNALED(status);
  const int value = killed ? WTERMSIG(status) : WEXITSTATUS(status);
  if (pid == setup_) {
    setup_ = 0;
    if (killed || value != 0)
      feed(hold::CanNot{
          Code::launch_refused,
          fmt::format("setup ended with {} {}: {}", killed ? "signal" : "exit code", value,
                      last_lines(options_, order_.attempt, hold_.state().ranks.front().rank))});
    else
      feed(hold::SetupEnded{});
    return;
  }
  const auto found = ranks_.find(pid);
  if (found == ranks_.end()) return;  // an orphan of some rank
  const std::uint32_t rank = found->second;
  ranks_.erase(found);
  read_words();  // what it said before it died comes first
  for (LogPipe& log : logs_[rank]) (void)log.drain(limits::rank_log_bytes_max);
  hold::RankExited e{rank, killed, value, false};
  e.out_of_memory = killed && value == SIGKILL && !hold_.state().cgroup.empty() &&
                    out_of_memory_kills(hold_.state().cgroup) > 0;
  feed(e);
}

void Holder::read_words() {
  RankWord word;
  while (::read(report_in_.get(), &word, sizeof word) == sizeof word) {
    word.detail[sizeof word.detail - 1] = '\0';
    switch (word.kind) {
      case RankWord::Kind::ready: feed(hold::RankReady{word.rank}); break;
      case RankWord::Kind::unfit: feed(hold::RankUnfit{word.rank, word.code, word.detail}); break;
      case RankWord::Kind::exec_failed: feed(hold::ExecFailed{word.rank, word.detail}); break;
    }
  }
}

void Holder::drain(std::size_t bytes_max) {
  for (auto& [rank, logs] : logs_)
    for (LogPipe& log : logs)
      if (!log.drain(bytes_max)) log.close_read_end();
}

}  // namespace weft::worker
