// Money in integer micro-dollars, prices in micro-dollars per unit-hour, quantities in
// unit x ms x 1000 (so that a per-mille share of a segment stays whole). No floating point.
// Products are formed in 128 bits. Limits: base/limits.hpp (money_max).
#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace weft {

struct Money {
  std::int64_t micros{};
  auto operator<=>(const Money&) const = default;
};
constexpr Money operator+(Money a, Money b) { return {a.micros + b.micros}; }
constexpr Money operator-(Money a, Money b) { return {a.micros - b.micros}; }
constexpr Money operator-(Money a) { return {-a.micros}; }

struct Price {  // micro-dollars per unit-hour
  std::int64_t micros{};
  auto operator<=>(const Price&) const = default;
};

using Int128 = __int128;
constexpr std::int64_t per_mille = 1'000;
constexpr std::int64_t quantity_per_unit_hour =
    3'600'000LL * per_mille;  // D of the cumulative rule

constexpr Int128 quantity(std::int64_t units, Duration d) {
  return static_cast<Int128>(units) * d.ms * per_mille;
}
constexpr std::int64_t floor_div(Int128 a, Int128 b) {
  return static_cast<std::int64_t>(a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0));
}
constexpr std::int64_t ceil_div(Int128 a, Int128 b) {
  return static_cast<std::int64_t>(a / b + ((a % b != 0 && (a < 0) == (b < 0)) ? 1 : 0));
}
// What a whole term costs at most: the escrow (rounded up).
constexpr Money cost_ceil(Price price, std::int64_t units, Duration term) {
  return {ceil_div(quantity(units, term) * price.micros, quantity_per_unit_hour)};
}

// "2.40" -> 2'400'000. Decimal dollars, at most 6 decimals, no sign, no exponent, no floating
// point.
Result<std::int64_t> parse_micros(std::string_view text);
// "2.40": at least two decimals, at most six, trailing zeros dropped beyond the second.
std::string to_string(Money m);
std::string to_string(Price p);

}  // namespace weft
