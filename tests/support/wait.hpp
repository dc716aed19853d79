// Waiting for something to become true, never for time to pass.
#pragma once
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

namespace weft::test {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;  // the same in every process of a machine

inline std::int64_t now_ms() {
  return std::chrono::duration_cast<milliseconds>(Clock::now().time_since_epoch()).count();
}

// Looks every few milliseconds. False, with a test failure that says `what`, when the limit is
// over.
inline bool wait_until(const std::string& what, const std::function<bool()>& condition,
                       milliseconds limit = milliseconds(60'000)) {
  const auto until = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() > until) {
      ADD_FAILURE() << "waited " << limit.count() << " ms in vain: " << what;
      return false;
    }
    std::this_thread::sleep_for(milliseconds(3));
  }
  return true;
}

}  // namespace weft::test
