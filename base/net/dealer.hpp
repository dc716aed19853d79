// One CURVE connection to a broker: a ZeroMQ DEALER with a socket monitor, used once. When it
// closes, the owner makes a new one after its own full-jitter delay (libzmq's reconnect delays are
// equal in every process) and repeats what was not answered: ZeroMQ delivers at most once. Owns:
// both sockets. Thread: the creating one. Options are set in one function (dealer.cpp), read back
// by a test. Example: zmq_poll over {dealer.socket(), dealer.monitor(), own fds}, then
//   while (auto m = dealer.receive()) ...;  if (dealer.link() == Link::closed) reconnect later.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace weft::net {

struct CurveSecret : Bytes<32> {};
struct CurveKeys {
  Principal public_key;
  CurveSecret secret;
};
CurveKeys make_curve_keys();
Result<Principal> public_key_of(const CurveSecret& secret);

class Context {  // one per process; sockets must be gone before it
 public:
  Context();  // refuses libzmq before 4.3.3 by stopping the process
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  void* native() const { return context_; }

 private:
  void* context_;
};

enum class Link : std::uint8_t { connecting, ready, closed };

class Dealer {
 public:
  // linger: how long close() may take to hand over what was sent (0 in daemons, 1 s in a CLI).
  static Result<std::unique_ptr<Dealer>> connect(Context& context, const std::string& endpoint,
                                                 const Principal& server, const CurveKeys& keys,
                                                 Duration linger);
  ~Dealer();
  Dealer(const Dealer&) = delete;
  Dealer& operator=(const Dealer&) = delete;

  // broker.busy when the queue is full or the link is not ready; nothing was sent then.
  [[nodiscard]] Result<void> send(std::span<const std::uint8_t> message);
  // The next message, if one is there. Messages of more than one frame are dropped.
  std::optional<std::vector<std::uint8_t>> receive();
  // Reads the monitor. closed: refused (auth.unknown_key), lost or never reached; see reason().
  Link link();
  const Error& reason() const { return reason_; }
  // Waits at most `wait` for a message or a change of the link.
  void poll(Duration wait);

  void* socket() const { return socket_; }
  void* monitor() const { return monitor_; }

 private:
  Dealer() = default;
  void* socket_ = nullptr;
  void* monitor_ = nullptr;
  Link link_ = Link::connecting;
  Error reason_;
};

// Full jitter: random in 0..min(cap, base * 2^attempt), from a generator seeded by the kernel.
Duration reconnect_delay(std::uint32_t attempt, Duration base, Duration cap);

}  // namespace weft::net
