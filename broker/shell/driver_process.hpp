// The broker's hold on its fabric driver: a process of its own (weft-driver), because only it needs
// the rights to program a fabric, and because fabrics take their time. Starts it, passes orders and
// answers, and starts it again when it dies; the core is told and asks anew.
// Owns: the child process and the link. Thread: the loop's.
#pragma once
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/core/event.hpp"
#include "broker/shell/frame_link.hpp"

namespace weft::broker {

class DriverProcess {
 public:
  struct Settings {
    std::string program;                   // empty: there is nothing to drive
    std::vector<std::string> arguments;    // of weft-driver, without --fd
    std::vector<std::string> environment;  // NAME=VALUE, besides the broker's own
  };
  explicit DriverProcess(Settings settings);
  ~DriverProcess();  // kills it
  DriverProcess(const DriverProcess&) = delete;
  DriverProcess& operator=(const DriverProcess&) = delete;

  int fd() const { return link_ ? link_->fd() : -1; }
  bool wants_to_write() const { return link_ && link_->out_bytes() > 0; }
  void ask(const DriverOrderBody& order);
  void receive();
  void flush();
  // What happened since the last call, in order.
  void collect(std::vector<Event>& events);
  // Starts it (again). Returns when it wants to be called again (ms of CLOCK_MONOTONIC).
  std::uint64_t tend(std::uint64_t now_ms);
  void stop();  // ends it and waits

 private:
  bool start();
  void lost(const std::string& why);

  Settings settings_;
  std::unique_ptr<FrameLink> link_;
  pid_t pid_ = -1;
  std::vector<Event> pending_;
  std::uint64_t restart_at_ms_ = 0, backoff_ms_;
};

}  // namespace weft::broker
