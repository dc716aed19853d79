#include "worker/shell/clock.hpp"

#include <time.h>

#include "worker/shell/files.hpp"

namespace weft::worker {

Instant boot_now() {
  timespec t{};
  clock_gettime(CLOCK_BOOTTIME, &t);
  return {std::int64_t{t.tv_sec} * 1'000 + t.tv_nsec / 1'000'000};
}

const std::string& boot_id() {
  static const std::string id = [] {
    std::string text = read_file("/proc/sys/kernel/random/boot_id", 64).value_or("");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }();
  return id;
}

}  // namespace weft::worker
