// Who may ask what. One row per request (a test and the compiler see to it); what a row allows is
// still limited to the caller's own account, except for operators.
#pragma once
#include "base/result.hpp"
#include "schemas/client.hpp"

namespace weft::broker {

// Refuses with auth.denied. Worker keys may send reports only.
Result<void> authorise(Role role, const RequestBody& request);
// Does it change something? Then it needs a key and its answer is remembered.
bool mutating(const RequestBody& request);

}  // namespace weft::broker
