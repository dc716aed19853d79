// Bandwidth as people write it: 50Mbps, 2.5Gbps, 400Gbps. Decimal units of bits a second.
// Thread: any. Errors: spec.unit (no unit), spec.syntax, spec.range.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace weft {

// bps, kbps, Mbps, Gbps, Tbps; a fraction is allowed while it is a whole number of bits.
// 1 bps to 1,000 Tbps.
Result<std::uint64_t> parse_bit_rate(std::string_view text);
// The shortest text that parses to the same value.
std::string bit_rate_text(std::uint64_t bits_per_second);
// For people: about three digits, "47.6Mbps".
std::string bit_rate_rounded(std::uint64_t bits_per_second);

}  // namespace weft
