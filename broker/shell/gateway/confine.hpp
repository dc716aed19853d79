// What the gateway process may still do, given that strangers' bytes end up in it: no new
// privileges, bounded memory and descriptors, an own user without rights, no core dump, and no life
// after its parent. Thread: the main one, before any other exists (confine_early).
#pragma once
#include <cstdint>

#include "base/result.hpp"

namespace weft::broker {

inline constexpr unsigned gateway_uid = 64'117;  // has no entry anywhere: an id that owns nothing

Result<void> confine_early(int parent_pid);
// After the sockets are bound: memory limit, and the own user when this is root.
Result<void> confine_late(int parent_pid, std::uint64_t memory_bytes_max);
// Descriptors that this process may have; warns below what the fleet may need.
std::uint64_t descriptor_limit();
std::uint64_t resident_bytes();

}  // namespace weft::broker
