// All operations against a reference, over shared memory, loopback, and a network between
// namespaces.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/transport/gang.hpp"

namespace weft::test {
namespace {

void expect_same_results(const std::vector<Outcome>& outcomes) {
  for (std::size_t rank = 0; rank < outcomes.size(); ++rank) {
    EXPECT_EQ(outcomes[rank].code, 0) << "rank " << rank << "\n" << outcomes[rank].output;
    EXPECT_EQ(outcomes[rank].value("bits"), outcomes[0].value("bits")) << "rank " << rank;
  }
}

const std::vector<std::string> every_count{"collectives", "0",     "1",     "2",     "17",
                                           "1000",        "16384", "50001", "200003"};

TEST(Collectives, OneRankAlone) {
  Gang gang({.nodes = 1, .ranks_per_node = 1}, every_count);
  expect_same_results(gang.finish());
}

TEST(Collectives, RanksOfOneNodeShareMemory) {
  for (const std::uint32_t ranks : {2u, 3u, 4u, 5u}) {
    Gang gang({.nodes = 1, .ranks_per_node = ranks}, every_count);
    const auto outcomes = gang.finish(120'000);
    expect_same_results(outcomes);
    for (const auto& outcome : outcomes) EXPECT_EQ(outcome.value("tcp_to"), "") << outcome.output;
  }
}

TEST(Collectives, RanksOfDifferentNodesUseTheNetwork) {
  Gang gang({.nodes = 3, .ranks_per_node = 1}, every_count);
  const auto outcomes = gang.finish(120'000);
  expect_same_results(outcomes);
  for (const auto& outcome : outcomes) EXPECT_NE(outcome.value("tcp_to"), "") << outcome.output;
}

TEST(Collectives, NodesInNamespaces) {
  if (!Fabric::possible())
    GTEST_SKIP() << "needs root, ip(8) and a kernel that lets it make namespaces";
  Gang gang({.nodes = 2, .ranks_per_node = 2, .namespaces = true}, every_count);
  const auto outcomes = gang.finish(120'000);
  expect_same_results(outcomes);
  // Rank 0 talks over the network to node 1 only.
  EXPECT_THAT(outcomes[0].output, testing::Not(testing::HasSubstr("tcp_to 1\n")));
  EXPECT_THAT(outcomes[0].output, testing::HasSubstr("tcp_to 2\n"));
}

TEST(Collectives, SameBitsInEveryRun) {
  std::string bits;
  for (int run = 0; run < 3; ++run) {
    Gang gang({.nodes = 2, .ranks_per_node = 2}, {"collectives", "1000", "100000"});
    const auto outcomes = gang.finish();
    expect_same_results(outcomes);
    if (run > 0) {
      EXPECT_EQ(outcomes[0].value("bits"), bits);
    }
    bits = outcomes[0].value("bits");
  }
}

}  // namespace
}  // namespace weft::test
