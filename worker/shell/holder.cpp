// Of the holder: its talk with the worker, and its loop.
#include "worker/shell/holder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/log.hpp"
#include "worker/shell/attempt_dir.hpp"
#include "worker/shell/cgroup.hpp"
#include "worker/shell/channel.hpp"
#include "worker/shell/clock.hpp"
#include "worker/shell/holder_process.hpp"

namespace weft::worker {

using hold::Act;

Holder::Holder(const Options& options, const Prepare& order, Instant deadline, Fd link)
    : options_(options), order_(order), hold_(order, deadline), link_(std::move(link)) {
  hold_.described().boot = boot_id();
  hold_.described().pid = static_cast<std::uint32_t>(::getpid());
}

void Holder::publish() {
  if (const auto stored = store_state(options_, hold_.state()); !stored)
    log::error("{}; a restarted worker will not know this attempt's state",
               to_string(stored.error()));
  tell_worker();
}

void Holder::tell_worker() {
  untold_ = false;
  if (!link_) return;
  Envelope envelope;
  envelope.body = hold_.state();
  const auto sent = send_envelope(link_.get(), envelope);
  if (sent) return;
  if (sent.error().code == Code::broker_busy)
    untold_ = true;  // a frozen worker; again later, only the newest state matters
  else
    link_.reset();
}

void Holder::read_link() {
  for (;;) {
    Envelope envelope;
    Error error;
    switch (receive_envelope(link_.get(), envelope, error)) {
      case Received::nothing: return;
      case Received::bad: log::warn("from the worker: {}", to_string(error)); [[fallthrough]];
      case Received::closed: return link_.reset();
      case Received::message: break;
    }
    if (const auto* order = std::get_if<HolderOrder>(&envelope.body))
      feed(hold::Asked{order->body});
    if (!link_) return;
  }
}

void Holder::accept_link() {
  auto fd = accept_from(listener_.get());
  if (!fd) return;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd->get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      peer.uid != ::geteuid())
    return;
  link_ = std::move(*fd);  // the newest worker is the one that counts
  tell_worker();
}

void Holder::finish() {
  drain(limits::rank_log_bytes_max);
  if (!hold_.state().cgroup.empty()) remove_cgroup(hold_.state().cgroup);
  ::unlink((options_.attempt_dir(order_.attempt) + "/holder.sock").c_str());
  finished_ = true;
}

void Holder::feed(const hold::Event& event) {
  for (const hold::Effect& effect : hold_.step(boot_now(), event)) {
    if (const auto* s = std::get_if<hold::Signal>(&effect))
      signal(*s);
    else
      perform(std::get<Act>(effect));
  }
}

void Holder::perform(Act act) {
  switch (act) {
    case Act::run_setup: return run_setup();
    case Act::fork_ranks: return fork_ranks();
    case Act::publish: return publish();
    case Act::release: return release();
    case Act::term: return term();
    case Act::kill_tree: return kill_tree();
    case Act::finish: return finish();
  }
}

constexpr std::size_t log_turn_bytes = 1 << 20;  // of one rank's stream, before others have a turn

int Holder::run() {
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGPIPE})
    ::sigaddset(&watched, number);
  ::sigprocmask(SIG_SETMASK, &watched, nullptr);
  signals_ = Fd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (const auto made = make_places(); !made)
    feed(hold::CanNot{made.error().code, made.error().detail});
  else
    feed(hold::Begin{});
  while (!finished_) {
    const Instant wake =
        std::min(hold_.next_timer(), untold_ ? boot_now() + milliseconds(100) : never);
    const std::int64_t wait =
        wake == never ? 60'000 : std::clamp<std::int64_t>((wake - boot_now()).ms, 0, 60'000);
    std::vector<pollfd> fds = {{signals_.get(), POLLIN, 0},
                               {link_.get(), POLLIN, 0},
                               {listener_.get(), POLLIN, 0},
                               {report_in_.get(), POLLIN, 0}};
    for (const auto& [rank, logs] : logs_)
      for (const LogPipe& log : logs) fds.push_back({log.read_end(), POLLIN, 0});
    ::poll(fds.data(), fds.size(), static_cast<int>(wait));
    drain(log_turn_bytes);
    signalfd_siginfo signal_info;
    while (::read(signals_.get(), &signal_info, sizeof signal_info) == sizeof signal_info)
      if (signal_info.ssi_signo == SIGTERM) feed(hold::Asked{HolderStop{{}, limits::stop_grace}});
    if (fds[3].revents != 0) read_words();
    reap();
    if (fds[1].revents != 0 && link_) read_link();
    if (fds[2].revents != 0) accept_link();
    if (untold_) tell_worker();
    if (hold_.next_timer() <= boot_now()) feed(hold::TimePassed{});
    if (!finished_ && setup_ == 0 && nothing_left()) feed(hold::TreeEmpty{});
  }
  return 0;
}

namespace {

// The holder's own words, for developers: the worker's log is the worker's.
void redirect_output(const std::string& path) {
  Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  ::dup2(nothing.get(), 0);
  ::dup2(nothing.get(), 1);
  ::dup2(file ? file.get() : nothing.get(), 2);
}

}  // namespace

int run_holder(const Options& options, AttemptId attempt, Instant deadline, Fd link) {
  ::setsid();
  ::prctl(PR_SET_NAME, "weft-holder", 0, 0, 0);
  redirect_output(options.attempt_dir(attempt) + "/holder.log");
  const auto order = load_order(options, attempt);
  if (!order) {
    log::error("{}", to_string(order.error()));
    return 1;
  }
  // A restarted worker has given this launch up and written so: then it must not happen any more.
  if (load_state(options, attempt)) return 1;
  return Holder(options, *order, deadline, std::move(link)).run();
}

}  // namespace weft::worker
