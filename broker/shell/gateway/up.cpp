// Messages from peers: who is it, is it within its limits, is it a message at all; then up to the
// core, byte for byte.
#include <fmt/format.h>

#include "broker/shell/clock.hpp"
#include "broker/shell/gateway/serving.hpp"
#include "schemas/codec.hpp"

namespace weft::broker {
namespace {
constexpr int messages_per_turn = 256;  // then the link and the events get their turn
}  // namespace

void Serving::take_messages() {
  for (int i = 0; i < messages_per_turn && link_.out_bytes() < link_bytes_max; ++i) {
    const auto in = router_.receive();
    if (!in) return;
    take_message(*in);
  }
}

void Serving::take_message(const Incoming& in) {
  if (!in.single) {  // none of our peers sends more than one frame
    take_events();
    if (const Session* session = in.ours ? sessions_.by_number(in.number) : nullptr)
      close(session->id, true);
    connections_.forgive(in.fd);
    return Router::cut(in.fd);
  }
  Session* session = session_of(in);
  if (session == nullptr || session->close_at_ns != 0) return;
  const std::uint64_t now_ns = monotonic_ns();
  connections_.received(in.fd, in.payload.size());
  session->heard = true;
  const auto head = peek_envelope(in.payload);
  if (!head) {  // cannot even be answered
    note(fmt::format("session {:x} of key {} sent bytes that are no message; closed", session->id,
                     session->user));
    return close(session->id, true);
  }
  if (within_limits(*session, head->key, now_ns)) forward(*session, in, now_ns);
}

// The session of a message; a new one for a new connection. Null: the peer is not what it claims.
Session* Serving::session_of(const Incoming& in) {
  if (!in.ours) {
    claims(in, "a routing id");
    return nullptr;
  }
  if (Session* known = sessions_.by_number(in.number)) {
    if (known->fd == in.fd && known->user == in.user) return known;
    claims(in, "the routing id of a session");
    return nullptr;
  }
  take_events();  // the handshake of this connection was reported before its first message
  if (in.number - first_number_ >= handshakes_) {
    claims(in, "a routing id that was not handed out yet");
    return nullptr;
  }
  Principal key;
  if (!from_hex(in.user, key.data.data(), key.data.size()) || !zap_.admits(key)) {
    Router::cut(in.fd);  // revoked since its handshake
    return nullptr;
  }
  if (Session* before = sessions_.by_fd(in.fd)) {
    // The kernel gave the descriptor of a closed connection to a new one; the later number is
    // alive.
    if (in.number - first_number_ < before->number - first_number_) return nullptr;
    close(before->id, false);
  }
  return &sessions_.open(in.number, in.fd, key, in.user);
}

void Serving::claims(const Incoming& in, std::string_view what) {
  note(fmt::format("key {} claims {}; cut off", in.user, what));
  if (const Session* session = sessions_.by_fd(in.fd)) close(session->id, false);
  connections_.forgive(in.fd);
  Router::cut(in.fd);
}

bool Serving::within_limits(Session& session, const RequestKey& key, std::uint64_t now_ns) {
  if (!session.rate->admit(now_ns)) {
    refuse(
        session, key, Code::wire_rate,
        fmt::format("more than {} messages a second with this key; wait and repeat with the same "
                    "request key",
                    limits::requests_per_second_max));
    return false;
  }
  if (session.unanswered >= limits::requests_unanswered_max) {
    refuse(session, key, Code::wire_rate,
           fmt::format("{} requests of this connection are unanswered; wait for an answer first",
                       session.unanswered));
    return false;
  }
  return true;
}

void Serving::forward(Session& session, const Incoming& in, std::uint64_t now_ns) {
  const auto envelope = decode_envelope(in.payload);
  if (!envelope) {
    const auto head = peek_envelope(in.payload);
    return refuse(session, head ? head->key : RequestKey{}, envelope.error().code,
                  envelope.error().detail);
  }
  if (const auto* report = std::get_if<Report>(&envelope->body)) {
    // A heartbeat ends here, unless it tells something new.
    if (std::holds_alternative<Beat>(report->body) && session.incarnation == envelope->incarnation)
      return;
    session.incarnation = envelope->incarnation;
  } else if (std::holds_alternative<Request>(envelope->body)) {
    ++session.unanswered;
  } else {
    return refuse(session, envelope->key, Code::wire_unknown,
                  "a broker takes requests and reports only");
  }
  FrameHeader header;
  header.kind = FrameKind::message;
  header.session = session.id;
  header.received_ns = now_ns;
  header.key = session.key;
  link_.send(header, in.payload);
}

void Serving::refuse(Session& session, const RequestKey& key, Code code, std::string detail) {
  if (++session.offences > limits::session_offences_max) {
    note(fmt::format("session {:x} of key {} was refused {} times, last {}; closed", session.id,
                     session.user, session.offences, to_string(code)));
    return close(session.id, true);
  }
  detail.resize(std::min(detail.size(), limits::text_bytes_max));
  Envelope envelope;
  envelope.key = key;
  envelope.body = Reply{Refused{code, std::move(detail)}};
  const Blob bytes = encode(envelope);
  (void)connections_.queued(session.fd, bytes.size());  // few and small: see session_offences_max
  if (router_.send(session.number, bytes) != Sent::ok) close(session.id, true);
}

}  // namespace weft::broker
