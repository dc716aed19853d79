#include "broker/shell/failpoint.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>

namespace weft::broker {
namespace {
std::atomic<int> armed{-1};
std::atomic<int> hits_left{0};
}  // namespace

Result<void> arm_failpoint(std::string_view name_and_hits) {
  const auto colon = name_and_hits.find(':');
  const auto name = name_and_hits.substr(0, colon);
  const auto* found = std::ranges::find(failpoint_names, name);
  if (found == failpoint_names.end())
    return fail(Code::usage, fmt::format("--failpoint {}: there is no such place; there are {}",
                                         name, fmt::join(failpoint_names, ", ")));
  int hits = 1;
  if (colon != std::string_view::npos) {
    const auto digits = name_and_hits.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), hits);
    if (error != std::errc() || end != digits.data() + digits.size() || hits < 1)
      return fail(Code::usage, fmt::format("--failpoint {}: '{}' is not a number of hits from 1 on",
                                           name, digits));
  }
  hits_left = hits;
  armed = static_cast<int>(found - failpoint_names.begin());
  return {};
}

bool failpoint_armed(Failpoint point) {
  return armed.load(std::memory_order_relaxed) == static_cast<int>(point);
}
bool failpoint_due(Failpoint point) { return failpoint_armed(point) && --hits_left == 0; }

void die_here() {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

}  // namespace weft::broker
