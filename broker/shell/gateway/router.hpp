// The one ZeroMQ socket that strangers reach: a CURVE ROUTER with a monitor. Every option is set in
// one function, because libzmq's defaults lose messages, let peers take each other's name and fail
// open; a test reads them back.
// Owns: socket and monitor. Thread: the creating one.
#pragma once
#include <zmq.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/net/dealer.hpp"

namespace weft::broker {

inline constexpr const char* zap_domain = "weft";

// One message as it came. The identity is `user`, which the ZAP handler gave to the connection; the
// routing id is only a return address and may be claimed by a hostile peer.
struct Incoming {
  bool ours = false;         // the id has the form of those that the ROUTER hands out
  std::uint32_t number = 0;  // the ROUTER's number of the connection, when `ours`
  int fd = -1;
  std::string_view user;                  // hexadecimal key; valid until the next receive()
  bool single = true;                     // one frame; else it was dropped
  std::span<const std::uint8_t> payload;  // valid until the next receive()
};

struct LinkEvent {
  enum class Kind { accepted, handshake_done, gone } kind{};
  int fd = -1;
};

enum class Sent { ok, no_such_peer, full };

class Router {
 public:
  static Result<std::unique_ptr<Router>> make(net::Context& context,
                                              const net::CurveSecret& secret);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  [[nodiscard]] Result<std::string> bind(const std::string& endpoint);  // with the port in words
  void unbind(const std::string& endpoint);
  std::optional<Incoming> receive();
  [[nodiscard]] Sent send(std::uint32_t number, std::span<const std::uint8_t> payload);
  std::optional<LinkEvent> next_event();
  // Cuts one connection: the only way with a ROUTER (libzmq has no call for it).
  static void cut(int fd);

  void* socket() const { return socket_; }
  void* monitor() const { return monitor_; }

 private:
  Router();
  void drop_rest();
  void* socket_ = nullptr;
  void* monitor_ = nullptr;
  zmq_msg_t id_, payload_;
};

// Sets every option of the ROUTER. The first one that fails is named.
Result<void> set_router_options(void* socket, const net::CurveSecret& secret);

}  // namespace weft::broker
