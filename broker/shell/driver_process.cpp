#include "broker/shell/driver_process.hpp"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/log.hpp"
#include "broker/shell/clock.hpp"

extern char** environ;

namespace weft::broker {
namespace {

constexpr int link_fd = 3;
constexpr std::uint64_t restart_min_ms = 100, restart_max_ms = 5'000, no_call_ms = UINT64_MAX;
constexpr int stop_patience = 500;  // times 10 ms: it may be in the middle of a transition

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

DriverProcess::DriverProcess(Settings settings)
    : settings_(std::move(settings)), backoff_ms_(restart_min_ms) {}

DriverProcess::~DriverProcess() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool DriverProcess::start() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
  std::vector<std::string> arguments{settings_.program}, environment;
  arguments.insert(arguments.end(), settings_.arguments.begin(), settings_.arguments.end());
  arguments.insert(arguments.end(), {"--fd", std::to_string(link_fd)});
  for (char** e = environ; *e != nullptr; ++e) environment.emplace_back(*e);
  environment.insert(environment.end(), settings_.environment.begin(), settings_.environment.end());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // dup2 onto itself would leave close-on-exec set.
  const int from = ends[1] == link_fd ? fcntl(ends[1], F_DUPFD_CLOEXEC, link_fd + 1) : ends[1];
  posix_spawn_file_actions_adddup2(&actions, from, link_fd);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const int failed = posix_spawn(&pid_, settings_.program.c_str(), &actions, &attributes,
                                 pointers(arguments).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (from != ends[1]) ::close(from);
  ::close(ends[1]);
  if (failed != 0) {
    ::close(ends[0]);
    pid_ = -1;
    log::error("the fabric driver cannot be started: {}: {}", settings_.program,
               std::strerror(failed));
    return false;
  }
  link_ = std::make_unique<FrameLink>(ends[0]);
  return true;
}

void DriverProcess::lost(const std::string& why) {
  link_.reset();
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  restart_at_ms_ = monotonic_ms() + backoff_ms_;
  backoff_ms_ = std::min(2 * backoff_ms_, restart_max_ms);
  log::error("the fabric driver is gone ({}); again in {} ms. Slices stay as they are", why,
             restart_at_ms_ - monotonic_ms());
}

void DriverProcess::ask(const DriverOrderBody& order) {
  if (!link_) return;  // its successor is asked again
  Envelope envelope;
  envelope.body = DriverOrder{order};
  FrameHeader header;
  header.kind = FrameKind::send;
  link_->send(header, encode(envelope));
}

void DriverProcess::receive() {
  if (!link_) return;
  const auto alive = link_->receive();
  if (!alive || !*alive) lost(alive ? "it has ended" : to_string(alive.error()));
}

void DriverProcess::flush() {
  if (!link_) return;
  if (auto sent = link_->flush(); !sent) lost(to_string(sent.error()));
}

void DriverProcess::collect(std::vector<Event>& events) {
  while (link_) {
    const auto frame = link_->next();
    if (!frame) return lost(to_string(frame.error()));
    if (!*frame) return;
    if ((*frame)->header.kind == FrameKind::ready) {
      backoff_ms_ = restart_min_ms;
      events.emplace_back(DriverStarted{});
    } else if ((*frame)->header.kind == FrameKind::broken) {
      const auto text = (*frame)->payload;
      return lost(std::string(text.begin(), text.end()));
    } else if ((*frame)->header.kind == FrameKind::message) {
      auto envelope = decode_envelope((*frame)->payload);
      auto* says = envelope ? std::get_if<DriverSays>(&envelope->body) : nullptr;
      if (!says) return lost("it said what nobody understands");
      events.emplace_back(DriverSaid{std::move(says->body)});
    }
  }
}

std::uint64_t DriverProcess::tend(std::uint64_t now_ms) {
  if (settings_.program.empty() || link_) return no_call_ms;
  if (now_ms >= restart_at_ms_ && !start()) {
    restart_at_ms_ = now_ms + backoff_ms_;
    backoff_ms_ = std::min(2 * backoff_ms_, restart_max_ms);
  }
  return link_ ? no_call_ms : restart_at_ms_;
}

void DriverProcess::stop() {
  if (link_) {
    FrameHeader header;
    header.kind = FrameKind::stop;
    link_->send(header, {});
    flush();
    link_.reset();  // one that reads no more sees the end and leaves too
  }
  for (int i = 0; i < stop_patience && pid_ > 0; ++i) {
    if (waitpid(pid_, nullptr, WNOHANG) != 0)
      pid_ = -1;
    else
      usleep(10'000);
  }
}

}  // namespace weft::broker
