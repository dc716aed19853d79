// Before it serves anyone, a gateway proves on its own ROUTER, over an abstract unix socket that
// only this machine reaches, that a random key is refused and an enrolled one is let in, and learns
// the first of the numbers that the ROUTER hands out as routing ids.
#pragma once
#include <cstdint>

#include "base/result.hpp"
#include "broker/shell/gateway/router.hpp"
#include "broker/shell/gateway/zap.hpp"

namespace weft::broker {

// Returns the first number. Every event of the monitor up to here has been read; one handshake
// succeeded. Errors: internal, with what was let in or kept out.
Result<std::uint32_t> self_test(net::Context& context, Router& router, ZapHandler& zap,
                                const Principal& server);

}  // namespace weft::broker
