// How operations run: started and waited for, on several threads, without allocating, in time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/transport/gang.hpp"

namespace weft::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

void expect_all_succeed(const std::vector<Outcome>& outcomes) {
  for (std::size_t rank = 0; rank < outcomes.size(); ++rank)
    EXPECT_EQ(outcomes[rank].code, 0) << "rank " << rank << "\n" << outcomes[rank].output;
}

TEST(Running, StartedOperationsRunInOrderByThemselves) {
  for (const auto& shape :
       {Shape{.nodes = 1}, Shape{.nodes = 3}, Shape{.nodes = 1, .ranks_per_node = 3}}) {
    Gang gang(shape, {"started"});
    expect_all_succeed(gang.finish());
  }
}

TEST(Running, EveryCollectiveCanBeStarted) {
  for (const auto& shape : {Shape{.nodes = 1}, Shape{.nodes = 2}, Shape{.nodes = 5},
                            Shape{.nodes = 2, .ranks_per_node = 2}}) {
    Gang gang(shape, {"every_kind"});
    expect_all_succeed(gang.finish());
  }
}

TEST(Running, SeveralThreadsMayWait) {
  Gang gang({.nodes = 2}, {"threads"});
  expect_all_succeed(gang.finish());
}

TEST(Running, AWarmMeshAllocatesNothing) {
  for (const auto& shape : {Shape{.nodes = 3}, Shape{.nodes = 1, .ranks_per_node = 2}}) {
    Gang gang(shape, {"steady"});
    const auto outcomes = gang.finish(120'000);
    expect_all_succeed(outcomes);
    for (const auto& outcome : outcomes)
      EXPECT_EQ(outcome.number("allocations"), 0) << outcome.output;
  }
}

// A frozen rank is no dead rank: only the deadline says so.
TEST(Running, FrozenRankIsATimeout) {
  Gang gang({.nodes = 3}, {"repeat", "100000000", "100", "1500"});
  for (std::uint32_t rank = 0; rank < gang.size(); ++rank)
    ASSERT_TRUE(gang.wait_for(rank, "joined"));
  const auto at = monotonic_ms();
  gang.signal(1, SIGSTOP);
  ASSERT_TRUE(gang.wait_for(0, "error"));
  ASSERT_TRUE(gang.wait_for(2, "error"));
  gang.signal(1, SIGCONT);
  const auto outcomes = gang.finish(20'000);
  for (const std::uint32_t rank : {0u, 2u}) {
    EXPECT_EQ(outcomes[rank].value("code"), "op.timeout") << outcomes[rank].output;
    EXPECT_GE(outcomes[rank].number("failed_at") - at, 1'400);
    EXPECT_LE(outcomes[rank].number("failed_at") - at, 2'500);
  }
  // When it wakes it is told the same.
  EXPECT_EQ(outcomes[1].value("code"), "op.timeout") << outcomes[1].output;
}

}  // namespace
}  // namespace weft::test
