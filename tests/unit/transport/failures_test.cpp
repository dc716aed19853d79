// Verdicts: cause before echo, grace for those that ended well, the first word stands.
#include "transport/mesh/failures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::transport {
namespace {

Failures make() {
  return Failures(4, [](std::uint32_t rank) { return "node-" + std::to_string(rank); });
}
Blame blame(Code code, std::uint32_t rank) {
  Blame b;
  b.code = code;
  b.rank = rank;
  return b;
}

TEST(Failures, ABrokenConnectionWaitsForItsCause) {
  auto failures = make();
  EXPECT_FALSE(failures.suspicious());
  failures.connection_broke(2, "reset", 1'000);
  EXPECT_TRUE(failures.suspicious());
  EXPECT_FALSE(failures.verdict(1'199, 900));
  const auto verdict = failures.verdict(1'200, std::nullopt);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->blame.code, Code::peer_unreachable);
  EXPECT_EQ(verdict->blame.rank, 2u);
  EXPECT_EQ(verdict->blame.node_name, "node-2");
  EXPECT_EQ(verdict->source, Failures::Source::self);
}

TEST(Failures, TheWorkersWordComesInTime) {
  auto failures = make();
  failures.connection_broke(2, "reset", 1'000);
  failures.peer_ended(blame(Code::peer_killed, 2), 1'050);
  const auto verdict = failures.verdict(1'050, std::nullopt);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->blame.code, Code::peer_killed);
  EXPECT_EQ(verdict->source, Failures::Source::worker);
  // What comes later changes nothing.
  failures.told(blame(Code::peer_unreachable, 1));
  EXPECT_EQ(failures.verdict(9'000, std::nullopt)->blame.code, Code::peer_killed);
}

TEST(Failures, ARankThatEndedWellIsToBlameOnlyIfNeeded) {
  auto failures = make();
  failures.peer_ended(blame(Code::none, 1), 1'000);
  failures.connection_broke(1, "closed", 1'001);
  EXPECT_FALSE(failures.verdict(50'000, std::nullopt)) << "nothing is pending";
  EXPECT_FALSE(failures.verdict(1'099, 500));
  const auto verdict = failures.verdict(1'100, 500);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->blame.code, Code::peer_left);
  EXPECT_TRUE(verdict->ended_well);
  // An operation that begins later gets its own grace.
  EXPECT_FALSE(failures.verdict(2'099, 2'000));
  EXPECT_TRUE(failures.verdict(2'100, 2'000));
}

TEST(Failures, StopWithoutABlameIsAnAbort) {
  auto failures = make();
  failures.stopped({});
  EXPECT_EQ(failures.verdict(0, std::nullopt)->blame.code, Code::mesh_aborted);
  auto other = make();
  StopAttempt stop;
  stop.blame = blame(Code::node_silent, 3);
  other.stopped(stop);
  EXPECT_EQ(other.verdict(0, std::nullopt)->blame.code, Code::node_silent);
  EXPECT_EQ(other.verdict(0, std::nullopt)->blame.node_name, "node-3");
}

TEST(Failures, RanksOutOfRangeAreIgnoredOrQuoted) {
  auto failures = make();
  failures.peer_ended(blame(Code::none, 99), 0);
  EXPECT_FALSE(failures.suspicious());
  failures.told(blame(Code::peer_exit, 99));
  EXPECT_EQ(failures.verdict(0, 0)->blame.rank, 99u);
}

}  // namespace
}  // namespace weft::transport
