#include "broker/shell/gateway_process.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>

#include "base/log.hpp"
#include "broker/shell/clock.hpp"

namespace weft::broker {
namespace {

constexpr std::uint64_t ping_period_ms = 500, answer_within_ms = 2'000, start_within_ms = 20'000;
constexpr int overdue_turns_max = 2;
constexpr std::uint64_t backoff_first_ms = 50, backoff_max_ms = 1'000, settled_ms = 5'000;
constexpr std::size_t congested_bytes = 8 << 20;
constexpr std::size_t hopeless_bytes = 256 << 20;

}  // namespace

GatewayProcess::GatewayProcess(Settings settings) : settings_(std::move(settings)) {}

GatewayProcess::~GatewayProcess() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void GatewayProcess::send(SessionId session, const Envelope& envelope, bool answers) {
  if (!link_ ||
      session_prefix(session.value) != session_prefix(session_base(settings_.clients, generation_)))
    return;
  Blob bytes = encode(envelope);
  if (bytes.size() > limits::message_bytes_max) {
    // A peer refuses what is larger; an error that names it is better than silence.
    log::error("a message of {} bytes for session {:x} is above the limit of {}", bytes.size(),
               session.value, limits::message_bytes_max);
    if (!answers) return;
    Envelope instead;
    instead.key = envelope.key;
    instead.body = Reply{
        Refused{Code::wire_limit, "the answer is larger than a message may be; ask for less"}};
    bytes = encode(instead);
  }
  FrameHeader header;
  header.kind = answers ? FrameKind::send_reply : FrameKind::send;
  header.session = session.value;
  link_->send(header, bytes);
}

void GatewayProcess::close(SessionId session) {
  if (!link_) return;
  FrameHeader header;
  header.kind = FrameKind::close;
  header.session = session.value;
  link_->send(header, {});
}

bool GatewayProcess::congested() const { return link_ && link_->out_bytes() > congested_bytes; }

void GatewayProcess::flush() {
  if (link_) (void)link_->flush();  // an error shows as the end of the link
}
void GatewayProcess::flush_all() {
  if (link_) (void)link_->flush_all();
}

void GatewayProcess::receive() {
  if (!link_) return;
  const auto alive = link_->receive();
  if (!alive)
    lost(alive.error().detail);
  else if (!*alive)
    lost("its link ended");
}

bool GatewayProcess::collect(std::vector<Event>& events, std::size_t count_max) {
  const std::size_t end = events.size() + count_max;
  while (link_ && events.size() < end) {
    const auto frame = link_->next();
    if (!frame) {
      lost(frame.error().detail);
      break;
    }
    if (!*frame) break;
    if (!take(**frame, events)) break;
  }
  const bool more = link_ && events.size() >= end;
  for (Event& event : pending_) events.push_back(std::move(event));
  pending_.clear();
  return more;
}

bool GatewayProcess::take(const FrameView& frame, std::vector<Event>& events) {
  const std::string_view text(reinterpret_cast<const char*>(frame.payload.data()),
                              frame.payload.size());
  switch (frame.header.kind) {
    case FrameKind::message: take_message(frame, events); break;
    case FrameKind::alive: {
      SessionsAlive alive;
      for (std::size_t i = 0; i + sizeof(std::uint64_t) <= frame.payload.size();
           i += sizeof(std::uint64_t)) {
        SessionId session;
        std::memcpy(&session.value, frame.payload.data() + i, sizeof session.value);
        if (sessions_.contains(session)) alive.sessions.push_back(session);
      }
      if (!alive.sessions.empty()) events.push_back(std::move(alive));
      break;
    }
    case FrameKind::closed:
      if (sessions_.erase({frame.header.session}) != 0)
        events.push_back(SessionClosed{{frame.header.session}});
      break;
    case FrameKind::pong: answered_ms_ = monotonic_ms(); break;
    case FrameKind::ready:
      ready_ = true;
      ready_at_ms_ = monotonic_ms();
      settings_.endpoints = text;  // from now on with ports: a successor binds the same
      log::info("gateway for {} serves {} as pid {}", name(), settings_.endpoints, pid_);
      break;
    case FrameKind::broken: broken_ = text; break;
    case FrameKind::note: log::warn("gateway for {}: {}", name(), text); break;
    default: lost("it sent a frame of an unknown kind"); return false;
  }
  return true;
}

// The gateway is not trusted: everything is decoded again.
void GatewayProcess::take_message(const FrameView& frame, std::vector<Event>& events) {
  const SessionId session{frame.header.session};
  auto envelope = decode_envelope(frame.payload);
  if (session_prefix(session.value) !=
          session_prefix(session_base(settings_.clients, generation_)) ||
      !envelope)
    return lost("it passed on a message that it should have refused");
  sessions_.insert(session);
  events.push_back(MessageCame{session, frame.header.key, std::move(*envelope),
                               Blob(frame.payload.begin(), frame.payload.end())});
}

void GatewayProcess::lost(const std::string& why) {
  link_.reset();
  int status = 0;
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, &status, 0);
  }
  if (broken_.empty() && WIFSIGNALED(status)) broken_ = fmt::format("signal {}", WTERMSIG(status));
  pid_ = -1;
  const std::uint64_t now = monotonic_ms();
  if (ready_ && now - ready_at_ms_ > settled_ms) backoff_ms_ = backoff_first_ms;
  log::warn("gateway for {} is gone ({}{}{}), {} sessions closed; starting another in {} ms",
            name(), why, broken_.empty() ? "" : ": ", broken_, sessions_.size(), backoff_ms_);
  ready_ = false;
  restart_at_ms_ = now + backoff_ms_;
  backoff_ms_ = std::min(2 * backoff_ms_, backoff_max_ms);
  pending_.push_back(GatewayLost{{sessions_.begin(), sessions_.end()}});
  sessions_.clear();
}

// No answer to a ping for too long, and not because of ourselves: a link that is still taking bytes
// is read by somebody, and a busy core has to look at the link before it judges.
bool GatewayProcess::is_silent(std::uint64_t now) {
  if (link_->out_bytes() > 0 && link_->taken_bytes() != taken_bytes_) was_not_read();
  taken_bytes_ = link_->taken_bytes();
  // Until it is ready it tests itself and reads no pings.
  const std::uint64_t patience = answer_within_ms + ping_period_ms + (ready_ ? 0 : start_within_ms);
  overdue_turns_ = now - answered_ms_ > patience ? overdue_turns_ + 1 : 0;
  return overdue_turns_ > overdue_turns_max;
}

std::uint64_t GatewayProcess::tend(std::uint64_t now) {
  if (!wanted_) return now + backoff_max_ms;
  if (!link_) {
    if (now < restart_at_ms_) return restart_at_ms_;
    if (!start()) {
      restart_at_ms_ = now + backoff_ms_;
      backoff_ms_ = std::min(2 * backoff_ms_, backoff_max_ms);
      log::error("gateway for {} cannot be started: {}", name(), broken_);
      return restart_at_ms_;
    }
  }
  if (link_->out_bytes() > hopeless_bytes) {
    lost("it does not take what it is sent");
    return restart_at_ms_;
  }
  if (is_silent(now)) {
    lost("it did not answer for 2 s");
    return restart_at_ms_;
  }
  if (now - pinged_ms_ >= ping_period_ms) {
    pinged_ms_ = now;
    FrameHeader ping;
    ping.kind = FrameKind::ping;
    link_->send(ping, {});
    flush();
  }
  return overdue_turns_ > 0 ? now + 1 : pinged_ms_ + ping_period_ms;
}

}  // namespace weft::broker
