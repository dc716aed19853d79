// A slice after a link has failed: the same hosts on other links, if there are any.
#pragma once
#include <optional>

#include "broker/fabric/tree/cut.hpp"

namespace weft::broker::fabric {

// `free`: what the slice may have, its own working links included. Nothing: its hosts would have to
// move.
std::optional<Cut> rewire(const Masks& free, const Cut& cut);

}  // namespace weft::broker::fabric
