// The OpenSM process that we signal: known by a pid or a pid file, and taken for OpenSM only if the
// system says that it is called so (a stale pid may be anybody's). Thread: one.
// Errors: fabric_manager.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace weft::broker {

class Manager {
 public:
  Manager(std::int32_t pid, std::string pid_file) : pid_(pid), pid_file_(std::move(pid_file)) {}

  // One of two processes differs from the other in pid or start.
  struct Process {
    std::int32_t pid = 0;       // 0: not running
    std::uint64_t started = 0;  // clock ticks after boot
    bool operator==(const Process&) const = default;
  };
  Process find() const;
  bool hears() const;  // whether it catches HUP yet
  // Tells it to read its files again and to sweep; waits a moment for one that is just starting.
  Result<void> reload() const;

 private:
  std::int32_t pid_;
  std::string pid_file_;
};

}  // namespace weft::broker
