#include "broker/shell/clock.hpp"

#include <time.h>

#include <algorithm>
#include <fstream>

namespace weft::broker {
namespace {
std::int64_t read_ms(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return t.tv_sec * 1'000 + t.tv_nsec / 1'000'000;
}
}  // namespace

std::int64_t boottime_ms() { return read_ms(CLOCK_BOOTTIME); }

std::uint64_t monotonic_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(t.tv_nsec);
}

MachineTime read_machine_time() {
  MachineTime time;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> time.boot;
  time.boottime_ms = boottime_ms();
  time.wall_ms = read_ms(CLOCK_REALTIME);
  return time;
}

Clock::Clock(const std::optional<ClockMark>& last, const MachineTime& now) : boot_(now.boot) {
  Instant start{now.wall_ms};
  if (last && !last->boot.empty() && last->boot == now.boot)
    start = last->ledger + Duration{std::max<std::int64_t>(0, now.boottime_ms - last->boottime_ms)};
  else if (last)
    start = std::max(start, last->ledger);
  offset_ms_ = start.ms - now.boottime_ms;
  wall_difference_ = Instant{now.wall_ms} - start;
}

Instant Clock::now() const { return at(boottime_ms()); }

ClockMark Clock::mark() const {
  const std::int64_t boottime = boottime_ms();
  return {boot_, boottime, at(boottime)};
}

}  // namespace weft::broker
