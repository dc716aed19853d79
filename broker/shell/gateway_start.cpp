// How a gateway's process begins and ends; see gateway_process.hpp.
#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "broker/shell/clock.hpp"
#include "broker/shell/gateway_process.hpp"

extern char** environ;

namespace weft::broker {
namespace {
constexpr int child_fd = 3;
}  // namespace

bool GatewayProcess::start() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
  const std::string fd = std::to_string(child_fd), parent = std::to_string(getpid());
  std::string arguments[] = {"weft-broker", "gateway", "--fd",   fd,
                             "--parent",    parent,    "--name", name()};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  // Only the three standard descriptors and the link: everything else of ours is close-on-exec.
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // dup2 onto itself would leave close-on-exec set.
  const int from = ends[1] == child_fd ? fcntl(ends[1], F_DUPFD_CLOEXEC, child_fd + 1) : ends[1];
  posix_spawn_file_actions_adddup2(&actions, from, child_fd);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const int failed =
      posix_spawn(&pid_, settings_.program.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (from != ends[1]) ::close(from);
  ::close(ends[1]);
  if (failed != 0) {
    ::close(ends[0]);
    pid_ = -1;
    broken_ = fmt::format("{}: {}", settings_.program, std::strerror(failed));
    return false;
  }
  ++generation_;
  link_ = std::make_unique<FrameLink>(ends[0]);
  answered_ms_ = pinged_ms_ = monotonic_ms();
  taken_bytes_ = 0;
  overdue_turns_ = 0;
  broken_.clear();
  send_setup();
  return true;
}

void GatewayProcess::send_setup() {
  GatewaySetup setup;
  setup.secret = settings_.secret;
  setup.workers = settings_.clients ? 0 : 1;
  setup.generation = generation_;
  setup.memory_bytes_max = settings_.memory_bytes_max;
  setup.endpoints = settings_.endpoints;
  FrameHeader header;
  header.kind = FrameKind::setup;
  link_->send(header, pack(setup));
  send_allowed();
  flush();
}

void GatewayProcess::send_allowed() {
  FrameHeader header;
  header.kind = FrameKind::allow_part;
  constexpr std::size_t per_frame = frame_payload_max / allowed_key_bytes;
  for (std::size_t i = 0; i < allowed_.size(); i += per_frame) {
    Blob part;
    for (std::size_t k = i; k < std::min(allowed_.size(), i + per_frame); ++k)
      pack(part, allowed_[k]);
    link_->send(header, part);
  }
  header.kind = FrameKind::allow_done;
  link_->send(header, {});
}

void GatewayProcess::allow(const std::vector<KeyEntry>& keys) {
  allowed_.clear();
  for (const KeyEntry& key : keys)
    if (!key.revoked) allowed_.push_back({key.principal, key.role});
  wanted_ = true;
  if (link_) send_allowed();
}

void GatewayProcess::stop() {
  wanted_ = false;
  if (link_) {
    FrameHeader header;
    header.kind = FrameKind::stop;
    link_->send(header, {});
    flush();
    link_.reset();  // a gateway that reads no more sees the end and leaves too
  }
  if (pid_ <= 0) return;
  for (int i = 0; i < 100; ++i) {
    if (waitpid(pid_, nullptr, WNOHANG) != 0) {
      pid_ = -1;
      return;
    }
    usleep(10'000);
  }
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace weft::broker
