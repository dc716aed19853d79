// The amounts of a lease, by the cumulative rule (docs: renting, numbers): running sums of
// quantity x price, and what has been posted of them. What is posted is always the *difference* of
// totals, so a bill depends neither on when it is posted nor on where segments are cut.
// Pure values. Errors: none; sums are 128 bits wide.
#pragma once
#include "base/money.hpp"
#include "schemas/journal.hpp"

namespace weft::broker::market {

struct Amounts {  // of a lease, in total
  Money gross, credit_owner, credit_house, fee;
  auto operator<=>(const Amounts&) const = default;
};

enum class Payer : std::uint8_t { customer, owner, house };
// Who pays for time that is credited because of `cause`: the owner for its hardware, the house for
// weft's own faults.
constexpr Payer payer_of(Cause cause) {
  return cause == Cause::node_lost || cause == Cause::link_lost ? Payer::owner : Payer::house;
}

struct Sums {
  Int128 gross = 0, owner = 0, house = 0;  // quantity x price: all leased time; of it, credited by
  void add(std::int64_t units, Duration time, Price price, Payer payer);
  Amounts totals(std::uint32_t fee_bps) const;
};

MeterTotals to_wire(LeaseId lease, const Sums& sums, const Amounts& posted);
Sums sums_of(const MeterTotals& wire);
Amounts posted_of(const MeterTotals& wire);

}  // namespace weft::broker::market
