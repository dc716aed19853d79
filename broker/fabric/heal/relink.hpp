// Links for given hosts, by the legal shapes A, B and C; see heal.hpp. Thread: any.
#pragma once
#include <optional>

#include "broker/fabric/tree/cut.hpp"

namespace weft::broker::fabric {

// `n` bits of `from` (or as many as it has): those of `prefer` first, then the lowest.
std::uint64_t pick(std::uint64_t from, std::uint32_t n, std::uint64_t prefer);

// The same hosts with links that are free: those that `slice` has if possible. None: no legal shape
// with what is free, or the slice has no such shape (D).
std::optional<Cut> relink(const Masks& free, const Cut& slice);

}  // namespace weft::broker::fabric
