#include "broker/market/meter.hpp"

#include <algorithm>

namespace weft::broker::market {

void Sums::add(std::int64_t units, Duration time, Price price, Payer payer) {
  const Int128 product = quantity(units, time) * price.micros;
  gross += product;
  if (payer == Payer::owner) owner += product;
  if (payer == Payer::house) house += product;
}

Amounts Sums::totals(std::uint32_t fee_bps) const {
  Amounts a;
  const std::int64_t g = floor_div(gross, quantity_per_unit_hour);
  const std::int64_t by_owner = std::min(ceil_div(owner, quantity_per_unit_hour), g);
  const std::int64_t by_house = std::min(ceil_div(house, quantity_per_unit_hour), g - by_owner);
  a.gross = {g};
  a.credit_owner = {by_owner};
  a.credit_house = {by_house};
  a.fee = {floor_div(static_cast<Int128>(g - by_owner) * fee_bps, 10'000)};
  return a;
}

namespace {
std::uint64_t high(Int128 n) {
  return static_cast<std::uint64_t>(static_cast<unsigned __int128>(n) >> 64);
}
std::uint64_t low(Int128 n) { return static_cast<std::uint64_t>(n); }
Int128 join(std::uint64_t h, std::uint64_t l) {
  return static_cast<Int128>((static_cast<unsigned __int128>(h) << 64) | l);
}
}  // namespace

MeterTotals to_wire(LeaseId lease, const Sums& s, const Amounts& posted) {
  return {lease,         high(s.gross), low(s.gross), high(s.owner),       low(s.owner),
          high(s.house), low(s.house),  posted.gross, posted.credit_owner, posted.credit_house,
          posted.fee};
}
Sums sums_of(const MeterTotals& w) {
  return {join(w.gross_high, w.gross_low), join(w.owner_high, w.owner_low),
          join(w.house_high, w.house_low)};
}
Amounts posted_of(const MeterTotals& w) { return {w.gross, w.credit_owner, w.credit_house, w.fee}; }

}  // namespace weft::broker::market
