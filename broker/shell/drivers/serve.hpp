// weft-driver: one fabric driver, serving the broker that started it over a socketpair.
#pragma once
#include "broker/shell/drivers/driver.hpp"

namespace weft::broker {

// Until the broker says stop or is gone, or `alive` says no (then 3: the broker starts it again).
// Returns the exit status. Thread: the main one.
int serve_driver(
    Driver& driver, const fabric::Tree& tree, int fd,
    const std::function<bool()>& alive = [] { return true; });

}  // namespace weft::broker
