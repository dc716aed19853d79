#include "base/money.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(Money, ReadsDecimalDollarsWithoutFloatingPoint) {
  EXPECT_EQ(*parse_micros("2.40"), 2'400'000);
  EXPECT_EQ(*parse_micros("0.000001"), 1);
  EXPECT_EQ(*parse_micros("1000000000"), 1'000'000'000'000'000);
  for (const char* bad : {"", ".5", "1.", "1.0000001", "-1", "1e3", "$2", "2,40", " 1"})
    EXPECT_FALSE(parse_micros(bad)) << bad;
  EXPECT_EQ(parse_micros("1000000001").error().code, Code::spec_range);
}

TEST(Money, PrintsAtLeastTwoDecimals) {
  EXPECT_EQ(to_string(Money{2'400'000}), "2.40");
  EXPECT_EQ(to_string(Money{1}), "0.000001");
  EXPECT_EQ(to_string(Money{-1'500'000}), "-1.50");
  EXPECT_EQ(to_string(Price{2'310'000}), "2.31");
}

TEST(Money, CostOfAnHourOfSixtyFourUnits) {  // renting: 64 GPUs, 1 h, $2.11
  EXPECT_EQ(cost_ceil(Price{2'110'000}, 64, hours(1)).micros, 135'040'000);
  EXPECT_EQ(cost_ceil(Price{1}, 1, milliseconds(1)).micros, 1);  // rounded up
}

TEST(Money, DivisionRoundsTowardsTheNamedSide) {
  EXPECT_EQ(floor_div(-7, 2), -4);
  EXPECT_EQ(ceil_div(-7, 2), -3);
  EXPECT_EQ(floor_div(7, 2), 3);
  EXPECT_EQ(ceil_div(7, 2), 4);
  EXPECT_EQ(floor_div(8, 2), 4);
  EXPECT_EQ(ceil_div(8, 2), 4);
}

}  // namespace
}  // namespace weft
