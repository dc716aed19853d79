#include "base/net/dealer.hpp"

#include <fmt/format.h>
#include <sodium.h>
#include <zmq.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/assert.hpp"
#include "base/limits.hpp"

namespace weft::net {
namespace {

int set(void* socket, int option, int value) {
  return zmq_setsockopt(socket, option, &value, sizeof value);
}

// Every option of a DEALER, and why: libzmq's defaults lose, delay or keep messages silently.
bool set_options(void* socket, const Principal& server, const CurveKeys& keys, Duration linger) {
  int rc = 0;
  rc |= zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server.data.data(), 32);
  rc |= zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, keys.public_key.data.data(), 32);
  rc |= zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys.secret.data.data(), 32);
  rc |= set(socket, ZMQ_LINGER, static_cast<int>(linger.ms));
  rc |= set(socket, ZMQ_RECONNECT_IVL, -1);  // its delays are the same in every process
  rc |= set(socket, ZMQ_IMMEDIATE, 1);       // nothing queued for a broker that is not there
  rc |= set(socket, ZMQ_HANDSHAKE_IVL, 3'000);
  rc |= set(socket, ZMQ_CONNECT_TIMEOUT, 3'000);
  rc |= set(socket, ZMQ_HEARTBEAT_IVL,
            10'000);  // finds half-open TCP; frozen programs are found above
  rc |= set(socket, ZMQ_HEARTBEAT_TIMEOUT, 30'000);
  rc |= set(socket, ZMQ_SNDHWM, 10'000);
  rc |= set(socket, ZMQ_RCVHWM, 10'000);
  const std::int64_t message_max = limits::message_bytes_max;
  rc |= zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_max, sizeof message_max);
  return rc == 0;
}

Error os_error(const char* what) {
  return {Code::os_error, fmt::format("{}: {}", what, zmq_strerror(zmq_errno()))};
}

}  // namespace

CurveKeys make_curve_keys() {
  CurveKeys keys;
  crypto_box_keypair(keys.public_key.data.data(), keys.secret.data.data());
  return keys;
}

Result<Principal> public_key_of(const CurveSecret& secret) {
  Principal key;
  if (crypto_scalarmult_base(key.data.data(), secret.data.data()) != 0)
    return fail(Code::spec_type, "not a CURVE secret key");
  return key;
}

Context::Context() : context_(zmq_ctx_new()) {
  int major = 0, minor = 0, patch = 0;
  zmq_version(&major, &minor, &patch);
  WEFT_ASSERT(std::tuple(major, minor, patch) >= std::tuple(4, 3, 3),
              "libzmq before 4.3.3 can be taken over before authentication");
  WEFT_ASSERT(context_ != nullptr, "zmq_ctx_new");
  WEFT_ASSERT(sodium_init() >= 0, "sodium_init");
}
Context::~Context() { zmq_ctx_term(context_); }

Result<std::unique_ptr<Dealer>> Dealer::connect(Context& context, const std::string& endpoint,
                                                const Principal& server, const CurveKeys& keys,
                                                Duration linger) {
  std::unique_ptr<Dealer> dealer(new Dealer);
  dealer->socket_ = zmq_socket(context.native(), ZMQ_DEALER);
  if (dealer->socket_ == nullptr) return tl::make_unexpected(os_error("zmq_socket"));
  if (!set_options(dealer->socket_, server, keys, linger))
    return tl::make_unexpected(os_error("zmq_setsockopt"));
  const std::string watch = fmt::format("inproc://monitor-{}", static_cast<void*>(dealer.get()));
  if (zmq_socket_monitor(dealer->socket_, watch.c_str(), ZMQ_EVENT_ALL) != 0)
    return tl::make_unexpected(os_error("zmq_socket_monitor"));
  dealer->monitor_ = zmq_socket(context.native(), ZMQ_PAIR);
  if (dealer->monitor_ == nullptr) return tl::make_unexpected(os_error("zmq_socket"));
  set(dealer->monitor_, ZMQ_LINGER, 0);
  if (zmq_connect(dealer->monitor_, watch.c_str()) != 0)
    return tl::make_unexpected(os_error("zmq_connect"));
  if (zmq_connect(dealer->socket_, endpoint.c_str()) != 0)
    return fail(Code::broker_not_found, fmt::format("{}: {}", endpoint, zmq_strerror(zmq_errno())));
  return dealer;
}

Dealer::~Dealer() {
  if (socket_ != nullptr) {
    zmq_socket_monitor(socket_, nullptr, 0);
    zmq_close(socket_);
  }
  if (monitor_ != nullptr) zmq_close(monitor_);
}

Result<void> Dealer::send(std::span<const std::uint8_t> message) {
  if (zmq_send(socket_, message.data(), message.size(), ZMQ_DONTWAIT) >= 0) return {};
  if (zmq_errno() == EAGAIN) return fail(Code::broker_busy, "the connection takes nothing now");
  return tl::make_unexpected(os_error("zmq_send"));
}

std::optional<std::vector<std::uint8_t>> Dealer::receive() {
  for (;;) {
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, socket_, ZMQ_DONTWAIT) < 0) {
      zmq_msg_close(&frame);
      return std::nullopt;
    }
    const bool single = zmq_msg_more(&frame) == 0;
    const auto* bytes = static_cast<const std::uint8_t*>(zmq_msg_data(&frame));
    std::vector<std::uint8_t> message(bytes, bytes + zmq_msg_size(&frame));
    zmq_msg_close(&frame);
    if (single) return message;
    int more = 1;
    while (more != 0) {
      zmq_msg_t rest;
      zmq_msg_init(&rest);
      zmq_msg_recv(&rest, socket_, 0);
      more = zmq_msg_more(&rest);
      zmq_msg_close(&rest);
    }
  }
}

Link Dealer::link() {
  for (;;) {
    std::uint8_t event[6];
    if (zmq_recv(monitor_, event, sizeof event, ZMQ_DONTWAIT) < 0) return link_;
    char address[512];
    zmq_recv(monitor_, address, sizeof address, 0);
    std::uint16_t what = 0;
    std::memcpy(&what, event, sizeof what);
    switch (what) {
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: link_ = Link::ready; break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        link_ = Link::closed;
        reason_ = {Code::auth_unknown_key, "the broker does not know this key"};
        break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
      case ZMQ_EVENT_DISCONNECTED:
      case ZMQ_EVENT_CLOSED:
      case ZMQ_EVENT_CLOSE_FAILED:
        if (reason_.code == Code::none)
          reason_ = {Code::broker_unreachable,
                     link_ == Link::ready ? "the connection was lost" : "no broker answers there"};
        link_ = Link::closed;
        break;
      default: break;
    }
  }
}

void Dealer::poll(Duration wait) {
  zmq_pollitem_t items[] = {{socket_, 0, ZMQ_POLLIN, 0}, {monitor_, 0, ZMQ_POLLIN, 0}};
  zmq_poll(items, 2, static_cast<long>(wait.ms));
}

Duration reconnect_delay(std::uint32_t attempt, Duration base, Duration cap) {
  const std::int64_t ceiling = std::min(cap.ms, base.ms << std::min<std::uint32_t>(attempt, 20));
  return {static_cast<std::int64_t>(randombytes_uniform(static_cast<std::uint32_t>(ceiling) + 1))};
}

}  // namespace weft::net
