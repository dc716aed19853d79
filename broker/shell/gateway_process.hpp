// The core's hold on one gateway: starts it, feeds it, notices its death and starts it again. A
// death closes all its sessions and says nothing about anyone; the next one is bound to the same
// endpoint, so that peers come back by themselves.
// Owns: the child process and the link. Thread: the loop's.
// Errors: a gateway that cannot bind or fails its self-test at the very first start is an error for
// the caller; later ones are retried (50 ms, doubling to 1 s) and logged.
#pragma once
#include <sys/types.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/core/event.hpp"
#include "broker/shell/frame_link.hpp"

namespace weft::broker {

class GatewayProcess {
 public:
  struct Settings {
    bool clients = false;   // else: workers
    std::string endpoints;  // one a line; a port may be 0 or *: a free one, kept from then on
    Bytes<32> secret;       // CURVE secret key of the broker
    std::string program = "/proc/self/exe";
    std::uint64_t memory_bytes_max = limits::gateway_memory_max;
  };
  explicit GatewayProcess(Settings settings);
  ~GatewayProcess();  // kills it
  GatewayProcess(const GatewayProcess&) = delete;
  GatewayProcess& operator=(const GatewayProcess&) = delete;

  // The whole list; kept, and sent to every successor. The first call starts the process.
  void allow(const std::vector<KeyEntry>& keys);
  // Dropped when the session belongs to a gateway that is dead. `answers`: it is the reply to a
  // request.
  void send(SessionId session, const Envelope& envelope, bool answers);
  void close(SessionId session);

  // What happened since the last call, in order, at most `count_max` messages. Call it when fd() is
  // readable, and again as long as it says that there is more.
  bool collect(std::vector<Event>& events, std::size_t count_max);
  // Reads from the link, unless it has told the owner that there is more.
  void receive();
  // The owner did not read the link in this turn: an answer to a ping may be waiting there.
  void was_not_read() { answered_ms_ = std::max(answered_ms_, pinged_ms_); }
  // Pings, restarts, kills what does not answer. Returns when it wants to be called again (ms of
  // CLOCK_MONOTONIC).
  std::uint64_t tend(std::uint64_t now_ms);
  // Ends it and waits.
  void stop();
  void flush();
  void flush_all();

  int fd() const { return link_ ? link_->fd() : -1; }
  pid_t pid() const { return pid_; }
  bool wants_to_write() const { return link_ && link_->out_bytes() > 0; }
  bool congested() const;  // do not read requests now: the answers would pile up
  bool ready() const { return ready_; }
  const std::string& endpoints() const { return settings_.endpoints; }
  void set_endpoints(std::string endpoints) { settings_.endpoints = std::move(endpoints); }
  // Why the last start did not get as far as ready; empty: no reason was given.
  const std::string& broken() const { return broken_; }
  std::uint64_t starts() const { return generation_; }
  bool owns(SessionId session) const { return (session.value >> 63 != 0) == settings_.clients; }

 private:
  bool start();
  void send_setup();
  void send_allowed();
  bool is_silent(std::uint64_t now_ms);
  void lost(const std::string& why);
  bool take(const FrameView& frame, std::vector<Event>& events);
  void take_message(const FrameView& frame, std::vector<Event>& events);
  const char* name() const { return settings_.clients ? "clients" : "workers"; }

  Settings settings_;
  std::unique_ptr<FrameLink> link_;
  pid_t pid_ = -1;
  bool ready_ = false, wanted_ = false;
  std::uint64_t generation_ = 0;
  std::vector<AllowedKey> allowed_;
  std::set<SessionId> sessions_;  // that the core has heard of
  std::vector<Event> pending_;    // deaths, to be collected
  std::string broken_;
  std::uint64_t restart_at_ms_ = 0, backoff_ms_ = 50;
  std::uint64_t pinged_ms_ = 0, answered_ms_ = 0, ready_at_ms_ = 0;
  std::uint64_t taken_bytes_ = 0;  // of the link, when last looked at
  int overdue_turns_ = 0;
};

}  // namespace weft::broker
