// Private to broker/fabric/import: width and speed as ibnetdiscover prints them ("4xHDR").
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace weft::broker::fabric {

// Bits a second of one direction; 0 for what it does not know.
std::uint64_t speed_of(std::string_view text);
// " 4xHDR" with the blank before it; empty if no four lanes have this rate.
std::string speed_text(std::uint64_t bits_per_second);

}  // namespace weft::broker::fabric
