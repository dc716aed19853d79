// How a gateway's process begins and ends; see gateway_process.hpp.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "broker/shell/child.hpp"
#include "broker/shell/clock.hpp"
#include "broker/shell/gateway_process.hpp"

namespace weft::broker {

bool GatewayProcess::start() {
  const auto child =
      start_child(settings_.program, {"weft-broker", "gateway", "--fd", std::to_string(child_link),
                                      "--parent", std::to_string(getpid()), "--name", name()});
  if (!child) {
    broken_ = child.error().detail;
    return false;
  }
  pid_ = child->pid;
  ++generation_;
  link_ = std::make_unique<FrameLink>(child->link);
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
