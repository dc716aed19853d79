// What every rank is told when a rank dies, leaves early, freezes, or calls something else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/transport/gang.hpp"

namespace weft::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// A second is the promise; a machine whose two processors run five ranks and other suites gets
// more.
constexpr long long within_ms = 1'000;

Blame killed(std::uint32_t rank, const std::string& node) {
  Blame blame;
  blame.code = Code::peer_killed;
  blame.rank = rank;
  blame.node_name = node;
  blame.status = SIGKILL;
  blame.detail = "it was killed by SIGKILL";
  return blame;
}

// All ranks but `culprit` failed with `code`, blaming it, within a second of `since`.
void expect_failure(const std::vector<Outcome>& outcomes, std::uint32_t culprit,
                    const std::string& code, long long since) {
  for (std::uint32_t rank = 0; rank < outcomes.size(); ++rank) {
    if (rank == culprit) continue;
    const auto& outcome = outcomes[rank];
    EXPECT_EQ(outcome.code, 3) << "rank " << rank << " signal " << outcome.signal << "\n"
                               << outcome.output;
    EXPECT_THAT(outcome.output, Not(HasSubstr("still under way")));
    EXPECT_EQ(outcome.value("code"), code) << "rank " << rank << "\n" << outcome.output;
    EXPECT_EQ(outcome.number("culprit"), culprit) << "rank " << rank << "\n" << outcome.output;
    EXPECT_EQ(outcome.value("node"), "node-" + std::to_string(culprit)) << "rank " << rank;
    EXPECT_LE(outcome.number("failed_at") - since, within_ms) << "rank " << rank << "\n"
                                                              << outcome.output;
  }
}

// count 100: latency-bound schedule; 1,000,000: rendezvous and rings are under way at the kill.
class Killed : public testing::TestWithParam<std::tuple<std::uint32_t, std::string>> {};

TEST_P(Killed, EveryRankFailsWithinASecondWithoutAnyWorkersWord) {
  const auto& [victim, count] = GetParam();
  Gang gang({.nodes = 5}, {"repeat", "100000000", count});
  for (std::uint32_t rank = 0; rank < gang.size(); ++rank)
    ASSERT_TRUE(gang.wait_for(rank, "running"));
  const auto at = monotonic_ms();
  gang.signal(victim, SIGKILL);
  const auto outcomes = gang.finish(20'000);
  expect_failure(outcomes, victim, "peer.unreachable", at);
  // A rank that was between two operations has none to name; not all can be.
  std::string all;
  for (const auto& outcome : outcomes) all += outcome.output;
  if (count == "100") {
    EXPECT_THAT(all, HasSubstr("[in all_reduce of 100 f32, sum, operation "));
  }
  // Their workers are told, too.
  const auto blames = gang.worker().blames();
  ASSERT_FALSE(blames.empty());
  EXPECT_EQ(blames[0].culprit, victim);
  EXPECT_EQ(blames[0].code, Code::peer_unreachable);
}

TEST_P(Killed, TheWorkersWordIsTheCause) {
  const auto& [victim, count] = GetParam();
  Gang gang({.nodes = 5}, {"repeat", "100000000", count});
  for (std::uint32_t rank = 0; rank < gang.size(); ++rank)
    ASSERT_TRUE(gang.wait_for(rank, "joined"));
  const auto at = monotonic_ms();
  gang.signal(victim, SIGKILL);
  const auto node = "node-" + std::to_string(victim);
  gang.worker().tell_all(PeerEnded{AttemptId{7}, killed(victim, node)});
  const auto outcomes = gang.finish(20'000);
  expect_failure(outcomes, victim, "peer.killed", at);
  EXPECT_THAT(
      outcomes[victim == 0 ? 1 : 0].value("error"),
      AllOf(HasSubstr("rank " + std::to_string(victim) + " (" + node + ")"), HasSubstr("SIGKILL")));
}

class KilledWhileIdle : public testing::TestWithParam<std::uint32_t> {};
TEST_P(KilledWhileIdle, IdleRanksLearnOfItToo) {
  const auto victim = GetParam();
  Gang gang({.nodes = 5}, {"idle", "20000"});
  for (std::uint32_t rank = 0; rank < gang.size(); ++rank) ASSERT_TRUE(gang.wait_for(rank, "idle"));
  const auto at = monotonic_ms();
  gang.signal(victim, SIGKILL);
  expect_failure(gang.finish(20'000), victim, "peer.unreachable", at);
}

INSTANTIATE_TEST_SUITE_P(Ranks, Killed,
                         testing::Combine(testing::Values(0u, 2u, 4u),
                                          testing::Values("100", "1000000")));

INSTANTIATE_TEST_SUITE_P(Ranks, KilledWhileIdle, testing::Values(0u, 2u, 4u));

// Shared memory has no connection that breaks: UCX looks for the process now and then.
TEST(Failures, RankOfTheSameNodeIsKilled) {
  for (const auto* count : {"100", "1000000"}) {
    Gang gang({.nodes = 1, .ranks_per_node = 3}, {"repeat", "100000000", count});
    for (std::uint32_t rank = 0; rank < gang.size(); ++rank)
      ASSERT_TRUE(gang.wait_for(rank, "joined"));
    gang.signal(1, SIGKILL);
    for (const auto& outcome : gang.finish(20'000)) {
      if (outcome.signal == SIGKILL) continue;
      EXPECT_EQ(outcome.value("code"), "peer.unreachable") << outcome.output;
      EXPECT_EQ(outcome.number("culprit"), 1) << outcome.output;
    }
  }
}

TEST(Failures, RankInANamespaceIsKilled) {
  if (!Fabric::possible())
    GTEST_SKIP() << "needs root, ip(8) and a kernel that lets it make namespaces";
  Gang gang({.nodes = 3, .ranks_per_node = 1, .namespaces = true},
            {"repeat", "100000000", "300000"});
  for (std::uint32_t rank = 0; rank < gang.size(); ++rank)
    ASSERT_TRUE(gang.wait_for(rank, "joined"));
  const auto at = monotonic_ms();
  gang.signal(1, SIGKILL);
  expect_failure(gang.finish(20'000), 1, "peer.unreachable", at);
}

// Exit 0 without a word while others need it. The record comes as broker and worker send it.
TEST(Failures, RankLeavesEarly) {
  Gang gang({.nodes = 4}, {"stop_after", "2", "exit"});
  ASSERT_TRUE(gang.wait_for(2, "goes"));
  const auto at = monotonic_ms();
  Blame well;
  well.rank = 2;
  well.node_name = "node-2";
  gang.worker().tell_all(PeerEnded{AttemptId{7}, well});
  const auto outcomes = gang.finish(20'000);
  EXPECT_EQ(outcomes[2].code, 0);
  expect_failure(outcomes, 2, "peer.left", at);
  const auto blames = gang.worker().blames();
  ASSERT_FALSE(blames.empty());
  EXPECT_EQ(blames[0].code, Code::peer_left);
  EXPECT_EQ(blames[0].culprit, 2u);
}

// leave() while the others go on: they are told at once, by the rank itself.
TEST(Failures, RankCallsLeaveWhileOthersGoOn) {
  Gang gang({.nodes = 4}, {"stop_after", "1", "leave"});
  ASSERT_TRUE(gang.wait_for(1, "goes"));
  const auto at = monotonic_ms();
  const auto outcomes = gang.finish(20'000);
  expect_failure(outcomes, 1, "peer.left", at);
}

TEST(Failures, LeavingWaitsForTheOthers) {
  Gang gang({.nodes = 3}, {"stop_after", "1", "early"});
  for (const auto& outcome : gang.finish(20'000)) EXPECT_EQ(outcome.code, 0) << outcome.output;
  EXPECT_THAT(gang.worker().byes(), testing::UnorderedElementsAre(0u, 1u, 2u));
}

TEST(Failures, TheAttemptIsStopped) {
  Gang gang({.nodes = 2}, {"repeat", "100000000", "100"});
  for (std::uint32_t rank = 0; rank < gang.size(); ++rank)
    ASSERT_TRUE(gang.wait_for(rank, "joined"));
  StopAttempt stop;
  stop.attempt = {7};
  gang.worker().tell_all(stop);
  for (const auto& outcome : gang.finish(20'000)) {
    EXPECT_EQ(outcome.code, 3);
    EXPECT_EQ(outcome.value("code"), "mesh.aborted") << outcome.output;
  }
}

class Mismatch : public testing::TestWithParam<std::string> {};
TEST_P(Mismatch, FailsOnEveryRankNamingBothCalls) {
  for (const std::uint32_t ranks : {2u, 4u}) {
    Gang gang({.nodes = ranks}, {"mismatch", GetParam()});
    for (const auto& outcome : gang.finish(20'000)) {
      EXPECT_EQ(outcome.code, 3) << outcome.output;
      EXPECT_EQ(outcome.value("code"), "op.mismatch") << outcome.output;
      EXPECT_THAT(outcome.value("error"), HasSubstr("rank 1 called")) << outcome.output;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Calls, Mismatch,
                         testing::Values("count", "large", "near", "type", "reduction", "zero",
                                         "broadcast", "root", "barrier"));

}  // namespace
}  // namespace weft::test
