#include "broker/shell/driver_process.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.hpp"
#include "broker/shell/child.hpp"
#include "broker/shell/clock.hpp"

namespace weft::broker {
namespace {

constexpr std::uint64_t restart_min_ms = 100, restart_max_ms = 5'000, no_call_ms = UINT64_MAX;
constexpr int stop_patience = 500;  // times 10 ms: it may be in the middle of a transition

}  // namespace

DriverProcess::DriverProcess(Settings settings)
    : settings_(std::move(settings)), backoff_ms_(restart_min_ms) {}

DriverProcess::~DriverProcess() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool DriverProcess::start() {
  std::vector<std::string> arguments{settings_.program};
  arguments.insert(arguments.end(), settings_.arguments.begin(), settings_.arguments.end());
  arguments.insert(arguments.end(), {"--fd", std::to_string(child_link)});
  const auto child = start_child(settings_.program, std::move(arguments), settings_.environment);
  if (!child) {
    log::error("the fabric driver cannot be started: {}", child.error().detail);
    return false;
  }
  pid_ = child->pid;
  link_ = std::make_unique<FrameLink>(child->link);
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
