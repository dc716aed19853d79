// weft-driver: one fabric driver, serving the broker that started it over a socketpair.
#pragma once
#include "broker/shell/drivers/driver.hpp"

namespace weft::broker {

// Until the broker says stop or is gone. Returns the exit status. Thread: the main one.
int serve_driver(Driver& driver, const fabric::Tree& tree, int fd);

}  // namespace weft::broker
