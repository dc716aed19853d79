// Joining: who is missing, what is stale, and a worker that is restarted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/wait.hpp"
#include "tests/transport/gang.hpp"
#include "transport/mesh/rendezvous.hpp"
#include "transport/ucx/network.hpp"

namespace weft::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using namespace transport;

TEST(Joining, NamesTheRanksThatAreMissing) {
  Gang gang({.nodes = 5, .absent = {2, 4}}, {"join", "1500"});
  const auto outcomes = gang.finish(20'000);
  for (const std::uint32_t rank : {0u, 1u, 3u}) {
    EXPECT_EQ(outcomes[rank].code, 3);
    EXPECT_THAT(outcomes[rank].value("error"),
                AllOf(HasSubstr("mesh.rendezvous"),
                      HasSubstr("ranks 2, 4 of 5 did not join within 1500 ms")))
        << "rank " << rank;
  }
}

TEST(Joining, NamesRankZeroWhenItIsMissing) {
  Gang gang({.nodes = 2, .absent = {0}}, {"join", "500"});
  EXPECT_THAT(
      gang.finish(20'000)[1].value("error"),
      AllOf(HasSubstr("mesh.rendezvous"), HasSubstr("address of rank 0 of 2 did not arrive")));
}

TEST(Joining, RankDiesWhileOthersJoin) {
  Gang gang({.nodes = 3, .absent = {2}}, {"join", "20000"});
  ASSERT_TRUE(wait_until("both have said hello", [&] {
    return gang.worker().hellos(0) > 0 && gang.worker().hellos(1) > 0;
  }));
  Blame blame;
  blame.code = Code::peer_exit;
  blame.rank = 2;
  blame.status = 1;
  blame.detail = "it ended with exit code 1";
  gang.worker().tell_all(PeerEnded{AttemptId{7}, blame});
  const auto outcomes = gang.finish(5'000);
  for (const std::uint32_t rank : {0u, 1u})
    EXPECT_THAT(
        outcomes[rank].value("error"),
        AllOf(HasSubstr("peer.exit"), HasSubstr("rank 2 (node-2): it ended with exit code 1")))
        << "rank " << rank << ": exit " << outcomes[rank].code << ", signal "
        << outcomes[rank].signal << "\n"
        << outcomes[rank].output;
}

TEST(Joining, WorkersMayRestartMeanwhile) {
  const std::string stop = testing::TempDir() + "weft-stop-" + std::to_string(getpid());
  Gang gang({.nodes = 2}, {"until_file", stop});
  for (std::uint32_t rank = 0; rank < 2; ++rank) ASSERT_TRUE(gang.wait_for(rank, "joined"));
  gang.worker().restart(0);
  gang.worker().restart(1);
  ASSERT_TRUE(wait_until("both have said hello to the new workers", [&] {
    return gang.worker().hellos(0) >= 2 && gang.worker().hellos(1) >= 2;
  }));
  std::ofstream(stop) << "now";
  for (const auto& outcome : gang.finish(60'000)) EXPECT_EQ(outcome.code, 0) << outcome.output;
  unlink(stop.c_str());
  EXPECT_GE(gang.worker().hellos(0), 2);
  EXPECT_GE(gang.worker().hellos(1), 2);
  EXPECT_THAT(gang.worker().byes(), testing::UnorderedElementsAre(0u, 1u));
}

TEST(Joining, ProgressIsReportedAtMostTenTimesASecond) {
  Gang gang({.nodes = 1, .ranks_per_node = 2}, {"repeat", "30000", "10"});
  const auto outcomes = gang.finish(60'000);
  ASSERT_EQ(outcomes[0].code, 0) << outcomes[0].output;
  const auto reports = gang.worker().progress();
  ASSERT_FALSE(reports.empty());
  EXPECT_EQ(reports.back().text, "step " + std::to_string(reports.back().step));
  EXPECT_LE(reports.size(), 2 * (10 * 60 + 2));
}

// A process of another generation, or of another attempt, that still has rank 0's address.
class Ghost : public NetworkEvents {
 public:
  Verdict arrived(const Arrival&) override { return Verdict::taken; }
  void peer_failed(std::uint32_t, const char*) override {}
};

TEST(Joining, MessagesOfAnOldGenerationAreDropped) {
  Gang gang({.nodes = 2, .generation = 5}, {"repeat", "20000", "10"});
  for (std::uint32_t rank = 0; rank < 2; ++rank) ASSERT_TRUE(gang.wait_for(rank, "joined"));
  const auto card = decode_card(gang.worker().seed());
  ASSERT_TRUE(card);
  Ghost ghost;
  auto network = Network::open(ghost, 2, "ghost", "");
  ASSERT_TRUE(network);
  ASSERT_TRUE((*network)->connect(0, card->far));
  int sent = 0;
  for (const auto& [attempt, generation] :
       {std::pair{7u, 4u}, std::pair{6u, 5u}, std::pair{7u, 1u}})
    for (const auto channel : {Channel::data, Channel::abort, Channel::card, Channel::table}) {
      auto header = header_of({Kind::all_reduce, DataType::f32, ReduceOp::sum, 0, 10}, attempt,
                              generation, 1, 900);
      header.channel = channel;
      (*network)->post(0, header, std::vector<std::uint8_t>(40, 0x7f));
      ++sent;
    }
  while ((*network)->posts_pending() > 0) (*network)->progress();
  (*network)->close_all(true, 1'000);
  const auto outcomes = gang.finish(60'000);
  for (const auto& outcome : outcomes) EXPECT_EQ(outcome.code, 0) << outcome.output;
  EXPECT_EQ(outcomes[0].number("stale"), sent);
  EXPECT_EQ(outcomes[1].number("stale"), 0);
}

}  // namespace
}  // namespace weft::test
