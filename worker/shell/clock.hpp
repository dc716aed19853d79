// The worker's clock: milliseconds since boot, counted through suspend. Deadlines of holders are on
// it and hold across restarts of the worker, not across reboots (boot_id() tells them apart).
#pragma once
#include <string>

#include "base/time.hpp"

namespace weft::worker {
Instant boot_now();
const std::string& boot_id();
}  // namespace weft::worker
