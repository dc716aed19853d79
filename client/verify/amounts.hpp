// The cumulative rounding rule, from its description alone: running sums of quantity x price, of
// which only totals are ever rounded; fractions fall to the customer.
//   G = floor(Ng / D)   Co = min(ceil(No / D), G)   Ch = min(ceil(Nh / D), G - Co)
//   F = floor((G - Co) x fee_bps / 10000)           D = 3,600,000 ms x 1000 per mille
// Pure. Thread: any.
#pragma once
#include "base/money.hpp"

namespace weft::client {

struct RunningSums {  // micro-dollars x ms x 1000
  Int128 all = 0, owner = 0, house = 0;
};
struct Totals {
  Money gross, credit_owner, credit_house, fee;
  bool operator==(const Totals&) const = default;
};

inline Totals round_totals(const RunningSums& sums, std::uint32_t fee_bps) {
  constexpr Int128 hour = Int128{3'600'000} * 1'000;
  const auto up = [](Int128 n) { return (n + hour - 1) / hour; };  // n is never negative
  const Int128 gross = sums.all / hour;
  const Int128 owner = up(sums.owner) < gross ? up(sums.owner) : gross;
  const Int128 house = up(sums.house) < gross - owner ? up(sums.house) : gross - owner;
  const Int128 fee = (gross - owner) * fee_bps / 10'000;
  const auto money = [](Int128 n) { return Money{static_cast<std::int64_t>(n)}; };
  return {money(gross), money(owner), money(house), money(fee)};
}

}  // namespace weft::client
