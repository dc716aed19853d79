#include "broker/shell/gateway/router.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cstring>

#include "base/limits.hpp"

// Declared only as a draft option in 4.3.4, and honoured without.
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

namespace weft::broker {
namespace {

Error zmq_failure(const std::string& doing) {
  return {Code::os_error, fmt::format("{}: {}", doing, zmq_strerror(zmq_errno()))};
}

struct IntOption {
  int option, value;
  const char* name;
};
constexpr IntOption int_options[] = {
    {ZMQ_CURVE_SERVER, 1, "CURVE_SERVER"},
    {ZMQ_ZAP_ENFORCE_DOMAIN, 1, "ZAP_ENFORCE_DOMAIN"},  // no handler, no entry
    {ZMQ_ROUTER_MANDATORY, 1, "ROUTER_MANDATORY"},      // an unknown peer is an error
    {ZMQ_ROUTER_HANDOVER, 0, "ROUTER_HANDOVER"},        // nobody takes another's place
    {ZMQ_LINGER, 0, "LINGER"},
    {ZMQ_HANDSHAKE_IVL, 3'000, "HANDSHAKE_IVL"},   // silent peers leave
    {ZMQ_BACKLOG, 4'096, "BACKLOG"},               // storms
    {ZMQ_HEARTBEAT_IVL, 10'000, "HEARTBEAT_IVL"},  // dead TCP; frozen programs are found above
    {ZMQ_HEARTBEAT_TIMEOUT, 30'000, "HEARTBEAT_TIMEOUT"},
    {ZMQ_SNDHWM, 4'096, "SNDHWM"},  // above the credit of a session: a full queue is a dead reader
    {ZMQ_RCVHWM, 1'024, "RCVHWM"}};

}  // namespace

Result<void> set_router_options(void* socket, const net::CurveSecret& secret) {
  for (const IntOption& o : int_options)
    if (zmq_setsockopt(socket, o.option, &o.value, sizeof o.value) != 0)
      return tl::make_unexpected(zmq_failure(fmt::format("ZMQ_{}", o.name)));
  const std::int64_t message_max = limits::message_bytes_max;
  if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_max, sizeof message_max) != 0)
    return tl::make_unexpected(zmq_failure("ZMQ_MAXMSGSIZE"));
  if (zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, zap_domain, std::strlen(zap_domain)) != 0)
    return tl::make_unexpected(zmq_failure("ZMQ_ZAP_DOMAIN"));
  if (zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret.data.data(), secret.data.size()) != 0)
    return tl::make_unexpected(zmq_failure("ZMQ_CURVE_SECRETKEY"));
  return {};
}

Router::Router() {
  zmq_msg_init(&id_);
  zmq_msg_init(&payload_);
}

Result<std::unique_ptr<Router>> Router::make(net::Context& context,
                                             const net::CurveSecret& secret) {
  std::unique_ptr<Router> router(new Router);
  router->socket_ = zmq_socket(context.native(), ZMQ_ROUTER);
  if (router->socket_ == nullptr) return tl::make_unexpected(zmq_failure("zmq_socket"));
  if (auto set = set_router_options(router->socket_, secret); !set)
    return tl::make_unexpected(set.error());
  constexpr const char* watch = "inproc://weft.router.monitor";
  // Failures are not asked for: libzmq sets errno, then reports, and closes the connection only
  // when reporting left errno alone (curve_mechanism_base.cpp, stream_engine_base.cpp in 4.3.4).
  constexpr int events =
      ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED;
  if (zmq_socket_monitor(router->socket_, watch, events) != 0)
    return tl::make_unexpected(zmq_failure("zmq_socket_monitor"));
  router->monitor_ = zmq_socket(context.native(), ZMQ_PAIR);
  if (router->monitor_ == nullptr) return tl::make_unexpected(zmq_failure("zmq_socket"));
  // Unlimited: with a full queue of events libzmq's I/O thread would stand still.
  const int zero = 0;
  zmq_setsockopt(router->monitor_, ZMQ_LINGER, &zero, sizeof zero);
  zmq_setsockopt(router->monitor_, ZMQ_RCVHWM, &zero, sizeof zero);
  if (zmq_connect(router->monitor_, watch) != 0)
    return tl::make_unexpected(zmq_failure("zmq_connect"));
  return router;
}

Router::~Router() {
  zmq_msg_close(&id_);
  zmq_msg_close(&payload_);
  if (socket_ != nullptr) {
    zmq_socket_monitor(socket_, nullptr, 0);
    zmq_close(socket_);
  }
  if (monitor_ != nullptr) zmq_close(monitor_);
}

Result<std::string> Router::bind(const std::string& endpoint) {
  // With IPv6 on, an IPv4 address would be announced in its mapped form, which nobody can read.
  const int ipv6 = endpoint.find('[') != std::string::npos ? 1 : 0;
  zmq_setsockopt(socket_, ZMQ_IPV6, &ipv6, sizeof ipv6);
  if (zmq_bind(socket_, endpoint.c_str()) != 0) return tl::make_unexpected(zmq_failure(endpoint));
  char bound[512] = {};
  std::size_t size = sizeof bound;
  if (zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, bound, &size) != 0)
    return tl::make_unexpected(zmq_failure("ZMQ_LAST_ENDPOINT"));
  return std::string(bound);
}

void Router::unbind(const std::string& endpoint) { zmq_unbind(socket_, endpoint.c_str()); }

void Router::drop_rest() {
  while (zmq_msg_more(&payload_) != 0)
    if (zmq_msg_recv(&payload_, socket_, ZMQ_DONTWAIT) < 0) return;
}

std::optional<Incoming> Router::receive() {
  if (zmq_msg_recv(&id_, socket_, ZMQ_DONTWAIT) < 0) return std::nullopt;
  if (zmq_msg_more(&id_) == 0 || zmq_msg_recv(&payload_, socket_, ZMQ_DONTWAIT) < 0)
    return Incoming{};
  Incoming in;
  const auto* id = static_cast<const std::uint8_t*>(zmq_msg_data(&id_));
  if (zmq_msg_size(&id_) == 5 && id[0] == 0) {
    in.ours = true;
    in.number =
        std::uint32_t{id[1]} << 24 | std::uint32_t{id[2]} << 16 | std::uint32_t{id[3]} << 8 | id[4];
  }
  in.fd = zmq_msg_get(&payload_, ZMQ_SRCFD);
  const char* user = zmq_msg_gets(&payload_, "User-Id");
  in.user = user == nullptr ? std::string_view() : std::string_view(user);
  in.single = zmq_msg_more(&payload_) == 0;
  if (!in.single) {
    drop_rest();
    in.user = {};  // belonged to a frame that is gone
    return in;
  }
  in.payload = {static_cast<const std::uint8_t*>(zmq_msg_data(&payload_)), zmq_msg_size(&payload_)};
  return in;
}

Sent Router::send(std::uint32_t number, std::span<const std::uint8_t> payload) {
  const std::uint8_t id[5] = {
      0, static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
      static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
  // The id frame's result decides: after a refused id nothing else may be sent [2].
  if (zmq_send(socket_, id, sizeof id, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
    return zmq_errno() == EAGAIN ? Sent::full : Sent::no_such_peer;
  if (zmq_send(socket_, payload.data(), payload.size(), ZMQ_DONTWAIT) < 0)
    return Sent::no_such_peer;
  return Sent::ok;
}

std::optional<LinkEvent> Router::next_event() {
  for (;;) {
    std::uint8_t event[6];
    if (zmq_recv(monitor_, event, sizeof event, ZMQ_DONTWAIT) < 0) return std::nullopt;
    char address[512];
    zmq_recv(monitor_, address, sizeof address, ZMQ_DONTWAIT);
    std::uint16_t what = 0;
    std::int32_t value = -1;
    std::memcpy(&what, event, sizeof what);
    std::memcpy(&value, event + 2, sizeof value);
    switch (what) {
      case ZMQ_EVENT_ACCEPTED: return LinkEvent{LinkEvent::Kind::accepted, value};
      // Does not say on which descriptor it was.
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return LinkEvent{LinkEvent::Kind::handshake_done, -1};
      case ZMQ_EVENT_DISCONNECTED: return LinkEvent{LinkEvent::Kind::gone, value};
      default: break;
    }
  }
}

void Router::cut(int fd) {
  if (fd >= 0) shutdown(fd, SHUT_RDWR);
}

}  // namespace weft::broker
