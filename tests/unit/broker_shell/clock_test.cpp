#include "broker/shell/clock.hpp"

#include <gtest/gtest.h>

namespace weft::broker {
namespace {

const ClockMark last_mark{"boot-a", 1'000'000, {5'000'000'000}};

TEST(LedgerClock, BeginsWithTheWallClock) {
  const MachineTime now{"boot-a", 400, 7'000'000'000};
  const Clock clock(std::nullopt, now);
  EXPECT_EQ(clock.at(400).ms, 7'000'000'000);
  EXPECT_EQ(clock.at(1'400).ms, 7'000'001'000);
}

TEST(LedgerClock, GoesOnExactlyOnTheSameBootWhateverTheWallClockSays) {
  for (const std::int64_t wall : {1LL, 5'000'000'000LL, 9'000'000'000LL}) {
    const Clock clock(last_mark, {"boot-a", 1'002'500, wall});
    EXPECT_EQ(clock.at(1'002'500).ms, 5'000'002'500) << "wall clock " << wall;
    EXPECT_EQ(clock.wall_difference().ms, wall - 5'000'002'500);
  }
}

TEST(LedgerClock, TakesTheWallClockOnAnotherBoot) {
  const Clock clock(last_mark, {"boot-b", 10, 5'000'060'000});
  EXPECT_EQ(clock.at(10).ms, 5'000'060'000);
}

TEST(LedgerClock, NeverGoesBelowTheLastMarkOnAnotherBoot) {
  const Clock clock(last_mark, {"boot-b", 10, 4'000'000'000});
  EXPECT_EQ(clock.at(10).ms, 5'000'000'000);
}

TEST(LedgerClock, ItsMarkCarriesOn) {
  const Clock first(std::nullopt, read_machine_time());
  const ClockMark mark = first.mark();
  EXPECT_FALSE(mark.boot.empty());
  const Clock second(mark, read_machine_time());
  EXPECT_GE(second.now(), mark.ledger);
  EXPECT_LE((second.now() - first.now()).ms, 1);
  EXPECT_LE((first.now() - second.now()).ms, 1);
}

}  // namespace
}  // namespace weft::broker
