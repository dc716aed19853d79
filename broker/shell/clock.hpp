// Ledger time: wall clock at the first start plus time since, suspended time included. Steps of the
// wall clock have no effect. A restart on the same boot of the machine continues exactly where the
// journal's last mark stands; on another boot it takes the wall clock, but never less than the
// mark. Thread: any after construction.
#pragma once
#include <optional>

#include "broker/shell/store.hpp"

namespace weft::broker {

struct MachineTime {  // what the machine says at one moment
  std::string boot;
  std::int64_t boottime_ms = 0, wall_ms = 0;
};
MachineTime read_machine_time();

class Clock {
 public:
  Clock(const std::optional<ClockMark>& last, const MachineTime& now);
  Instant now() const;  // never less than before
  Instant at(std::int64_t boottime_ms) const { return {boottime_ms + offset_ms_}; }
  ClockMark mark() const;
  // Wall clock minus ledger time at the start: large when the wall clock was stepped.
  Duration wall_difference() const { return wall_difference_; }

 private:
  std::string boot_;
  std::int64_t offset_ms_;  // ledger minus boot time
  Duration wall_difference_;
};

std::int64_t boottime_ms();
std::uint64_t monotonic_ns();
inline std::uint64_t monotonic_ms() { return monotonic_ns() / 1'000'000; }

}  // namespace weft::broker
