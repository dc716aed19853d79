#include "broker/shell/gateway/serving.hpp"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <cstring>

#include "broker/shell/clock.hpp"
#include "broker/shell/gateway/confine.hpp"

namespace weft::broker {
namespace {
constexpr std::uint64_t ms = 1'000'000;
constexpr std::uint64_t alive_period_ns = 250 * ms;
constexpr std::uint64_t memory_period_ns = 50 * ms;
constexpr std::uint64_t farewell_ns =
    200 * ms;  // a last message leaves before the connection is cut
constexpr std::uint64_t notes_per_second_max = 20;
}  // namespace

Serving::Serving(FrameLink& link, Router& router, ZapHandler& zap, std::uint64_t base,
                 std::uint32_t first_number)
    : link_(link), router_(router), zap_(zap), sessions_(base), first_number_(first_number) {}

int Serving::run() {
  for (;;) {
    zmq_pollitem_t items[] = {{nullptr, link_.fd(), ZMQ_POLLIN, 0},
                              {zap_.socket(), 0, ZMQ_POLLIN, 0},
                              {router_.monitor(), 0, ZMQ_POLLIN, 0},
                              {router_.socket(), 0, ZMQ_POLLIN, 0}};
    const bool behind = link_.out_bytes() >= link_bytes_max;
    if (link_.out_bytes() > 0) items[0].events |= ZMQ_POLLOUT;
    if (zmq_poll(items, behind ? 3 : 4, wait_ms(monotonic_ns())) < 0 && zmq_errno() != EINTR)
      return 1;
    zap_.answer();
    if (items[0].revents != 0 && !take_frames()) return 0;
    take_events();
    if (!behind) take_messages();
    housekeeping(monotonic_ns());
    if (!link_.flush()) return 0;
  }
}

long Serving::wait_ms(std::uint64_t now_ns) const {
  if (sessions_.size() == 0 && connections_.open() == 0) return 1'000;
  std::uint64_t next = std::min(next_alive_ns_, next_memory_ns_);
  return next <= now_ns ? 0 : static_cast<long>((next - now_ns) / ms + 1);
}

// ---- from the core

bool Serving::take_frames() {
  const auto alive = link_.receive();
  if (!alive || !*alive) return false;
  for (;;) {
    const auto frame = link_.next();
    if (!frame) return false;
    if (!*frame) return true;
    if (!take_frame(**frame)) return false;
  }
}

bool Serving::take_frame(const FrameView& frame) {
  switch (frame.header.kind) {
    case FrameKind::send:
    case FrameKind::send_reply: deliver(frame); break;
    case FrameKind::close:
      if (Session* session = sessions_.by_id(frame.header.session);
          session != nullptr && session->close_at_ns == 0) {
        session->close_at_ns = monotonic_ns() + farewell_ns;
        closing_.push_back(session->id);
      }
      break;
    case FrameKind::allow_part: {
      const auto keys = unpack_allowed(frame.payload);
      allow_gathered_.insert(allow_gathered_.end(), keys.begin(), keys.end());
      break;
    }
    case FrameKind::allow_done: replace_allow_list(); break;
    case FrameKind::ping: {
      FrameHeader pong;
      pong.kind = FrameKind::pong;
      link_.send(pong, {});
      break;
    }
    case FrameKind::stop: return false;
    default: break;
  }
  return true;
}

void Serving::deliver(const FrameView& frame) {
  Session* session = sessions_.by_id(frame.header.session);
  if (session == nullptr || session->close_at_ns != 0) return;
  if (frame.header.kind == FrameKind::send_reply && session->unanswered > 0) --session->unanswered;
  if (const auto offender = connections_.queued(session->fd, frame.payload.size()))
    return cut_offender(*offender);
  const Sent sent = router_.send(session->number, frame.payload);
  if (sent == Sent::ok) return;
  // A queue that is full belongs to a peer that does not read; skipping one message would be worse
  // than closing, because a new session repeats what was not answered.
  if (sent == Sent::full)
    note(fmt::format("session {:x} of key {} does not read its messages; closed", session->id,
                     session->user));
  close(session->id, true);
}

void Serving::replace_allow_list() {
  zap_.replace(allow_gathered_);
  allow_gathered_.clear();
  std::vector<std::uint64_t> revoked;
  sessions_.each([&](Session& session) {
    if (session.close_at_ns != 0 || zap_.admits(session.key)) return;
    session.close_at_ns = monotonic_ns() + farewell_ns;
    revoked.push_back(session.id);
  });
  closing_.insert(closing_.end(), revoked.begin(), revoked.end());
}

// ---- connections

void Serving::take_events() {
  while (const auto event = router_.next_event()) {
    switch (event->kind) {
      case LinkEvent::Kind::handshake_done: ++handshakes_; break;
      case LinkEvent::Kind::accepted:
        if (const Session* before = sessions_.by_fd(event->fd)) close(before->id, false);
        if (const auto offender = connections_.accepted(event->fd, monotonic_ns()))
          cut_offender(*offender);
        break;
      case LinkEvent::Kind::gone:
        connections_.gone(event->fd);
        if (const Session* session = sessions_.by_fd(event->fd)) close(session->id, false);
        break;
    }
  }
}

void Serving::close(std::uint64_t id, bool cut) {
  Session* session = sessions_.by_id(id);
  if (session == nullptr) return;
  if (cut) Router::cut(session->fd);
  FrameHeader header;
  header.kind = FrameKind::closed;
  header.session = id;
  link_.send(header, {});
  sessions_.close(id);
}

void Serving::close_due(std::uint64_t now_ns) {
  std::erase_if(closing_, [&](std::uint64_t id) {
    const Session* session = sessions_.by_id(id);
    if (session != nullptr && session->close_at_ns > now_ns) return false;
    close(id, true);
    return true;
  });
}

void Serving::cut_offender(const Connections::Offender& offender) {
  const Session* session = sessions_.by_fd(offender.fd);
  note(fmt::format("a connection from {}{} has {}; cut off", offender.address,
                   session == nullptr ? "" : " of key " + session->user, offender.what));
  if (session != nullptr) close(session->id, false);
  connections_.forgive(offender.fd);
  Router::cut(offender.fd);
}

void Serving::housekeeping(std::uint64_t now_ns) {
  if (!closing_.empty()) close_due(now_ns);
  if (now_ns >= next_memory_ns_) {
    next_memory_ns_ = now_ns + memory_period_ns;
    if (const auto offender = connections_.worst_when_large(resident_bytes())) {
      cut_offender(*offender);
      malloc_trim(0);
    }
    if (!warned_descriptors_ && connections_.open() > descriptor_limit() / 5 * 4) {
      warned_descriptors_ = true;
      note(
          fmt::format("{} connections: above 80 % of the {} descriptors that this process may have",
                      connections_.open(), descriptor_limit()));
    }
  }
  if (now_ns < next_alive_ns_) return;
  next_alive_ns_ = now_ns + alive_period_ns;
  const auto heard = sessions_.take_heard();
  constexpr std::size_t per_frame = 65'536;
  for (std::size_t i = 0; i < heard.size(); i += per_frame) {
    const std::size_t count = std::min(per_frame, heard.size() - i);
    FrameHeader header;
    header.kind = FrameKind::alive;
    link_.send(header,
               {reinterpret_cast<const std::uint8_t*>(heard.data() + i), count * sizeof heard[0]});
  }
}

// For the operator's log; bounded, because strangers cause these lines.
void Serving::note(const std::string& line) {
  const std::uint64_t second = monotonic_ns() / (1'000 * ms);
  if (second != notes_second_) {
    notes_second_ = second;
    notes_ = 0;
  }
  if (++notes_ > notes_per_second_max) return;
  FrameHeader header;
  header.kind = FrameKind::note;
  link_.send(header, {reinterpret_cast<const std::uint8_t*>(line.data()), line.size()});
}

}  // namespace weft::broker
