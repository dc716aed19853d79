// UCX as weft uses it: one context and worker a rank, an endpoint per peer with error handling, and
// active messages, each with a Header. Owns all UCX objects; UCX's headers stay in the .cpp.
// Threads: one at a time (the engine's lock); callbacks run inside progress() of the caller.
// Errors: what UCX reports about a peer arrives as NetworkEvents::peer_failed, never as a return
// value.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "transport/core/header.hpp"

namespace weft::transport {

// A send or a receive under way. It must stay where it is until `done`.
struct Transfer {
  Header header;  // of a send
  bool done = true;
  bool failed = false;
};

// A message as it arrives. A rendezvous has not moved its data yet: fetch() does.
struct Arrival {
  Header header;
  void* data = nullptr;
  std::size_t bytes = 0;
  bool rendezvous = false;
  bool keepable = false;  // `data` may outlive the callback if it answers `kept`
};
enum class Verdict { taken, kept };

class NetworkEvents {
 public:
  virtual ~NetworkEvents() = default;
  // kept: the receiver owns data until it calls fetch() or release().
  virtual Verdict arrived(const Arrival& arrival) = 0;
  virtual void peer_failed(std::uint32_t rank, const char* what) = 0;
};

class Network {
 public:
  // `tag` names this rank in UCX's own messages. `interface`: the one that the node's address is
  // on, which UCX could not know; empty: UCX chooses.
  static Result<std::unique_ptr<Network>> open(NetworkEvents& events, std::uint32_t size,
                                               const std::string& tag,
                                               const std::string& interface);
  ~Network();  // closes by force
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // Where this rank can be reached; net_only leaves out shared memory, for ranks of other nodes.
  Result<std::vector<std::uint8_t>> address(bool net_only) const;
  // Idempotent per rank.
  Result<void> connect(std::uint32_t rank, const std::vector<std::uint8_t>& address);
  [[nodiscard]] bool connected(std::uint32_t rank) const;
  [[nodiscard]] std::string transports_of(
      std::uint32_t rank) const;  // "tcp/eth0": for tests and logs

  // Sends transfer.header and the bytes; both must stay until transfer.done. `eager` messages
  // arrive unasked, others wait at the sender until the receiver fetches them.
  void send(std::uint32_t to, Transfer& transfer, const void* data, std::size_t bytes, bool eager);
  // The same for a message that nobody waits for: it is copied.
  void post(std::uint32_t to, const Header& header, std::vector<std::uint8_t> bytes);
  void fetch(void* data, void* into, std::size_t bytes, Transfer& transfer);
  void release(void* data);

  unsigned progress();
  // True when the caller may sleep until event_fd() is readable; false: call progress() again.
  bool arm();
  [[nodiscard]] int event_fd() const;
  [[nodiscard]] std::size_t posts_pending() const;  // posted messages not yet handed over
  // Closes all endpoints, in order (flush) or by force, and waits for that at most `milliseconds`.
  void close_all(bool flush, int milliseconds);
  // Of a mesh that did not come to be: what UCX holds stays until the process ends, untouched. UCX
  // (seen in 1.13) stops the process when a worker is destroyed while it answers a peer's connect:
  // "Assertion .. got REP message" in ucp_request.c.
  void abandon();

 private:
  struct Impl;
  explicit Network(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::transport
