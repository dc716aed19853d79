// weft-worker when things die: itself, its holder, a rank, the broker. And who may speak for a
// rank.
#include <climits>

#include "worker_bench.hpp"

namespace weft::bench {
namespace {

class WorkerRecovery : public ::testing::Test {
 protected:
  void SetUp() override {
    bench.start_worker();
    bench.join();
  }
  pid_t pid_from_log(AttemptId id, std::uint32_t rank = 0) {
    const std::string text = bench.log(id, rank, "\n");
    const pid_t pid = std::atoi(text.c_str());
    EXPECT_GT(pid, 1) << text;
    return pid > 1 ? pid : INT_MAX;  // nobody's: 0 would be this test's own group
  }
  std::string talker() { return bench.rank_program("weft-test-talker"); }
  Bench bench;
};

TEST_F(WorkerRecovery, RanksOutliveTheirWorkerAndAreAdopted) {
  const Prepare p =
      bench.shell(31, "trap 'echo late; exit 7' USR1; echo $$; while :; do sleep 0.01; done", 2);
  bench.start(p);
  const pid_t rank = pid_from_log(p.attempt);
  const Incarnation before = bench.incarnation_;
  bench.kill_worker();
  EXPECT_TRUE(Bench::runs(rank));
  bench.start_worker();
  const Join join = bench.join();
  EXPECT_NE(before, bench.incarnation_);
  ASSERT_EQ(1U, join.holdings.size());
  EXPECT_TRUE(join.holdings[0].released);
  EXPECT_FALSE(join.holdings[0].gone);
  EXPECT_FALSE(join.holdings[0].ranks[0].ended);
  EXPECT_TRUE(Bench::runs(rank));
  bench.order(SignalRanks{p.attempt, -1, SIGUSR1});
  for (std::uint32_t r : {0U, 1U}) {
    const auto end = bench.rank_end(p.attempt, r);
    ASSERT_TRUE(end);
    EXPECT_EQ(RankState::exited, end->state);
    EXPECT_EQ(7, end->status);
  }
  EXPECT_NE(std::string::npos, bench.log(p.attempt).find("late"));
}

TEST_F(WorkerRecovery, AnExitStatusSurvivesThatNoWorkerSaw) {
  const Prepare p = bench.shell(32, "trap 'exit 42' USR1; echo $$; while :; do sleep 0.01; done");
  bench.start(p);
  const pid_t rank = pid_from_log(p.attempt);
  bench.kill_worker();
  ::kill(rank, SIGUSR1);
  ASSERT_TRUE(Bench::eventually([&] { return !Bench::runs(rank); }));
  bench.start_worker();
  const Join join = bench.join();
  ASSERT_EQ(1U, join.holdings.size());
  // Its end may be told by Join, or a moment later when the holder was still writing it down.
  RankEnd end = join.holdings[0].ranks[0].end;
  if (!join.holdings[0].ranks[0].ended) end = bench.rank_end(p.attempt).value_or(RankEnd{});
  EXPECT_EQ(RankState::exited, end.state);
  EXPECT_EQ(42, end.status);
  EXPECT_TRUE(bench.expect<AttemptGone>());
}

TEST_F(WorkerRecovery, APreparedGangWaitsThroughARestartForItsGo) {
  const Prepare p = bench.shell(33, "echo ran");
  bench.order(p);
  ASSERT_TRUE(bench.expect<Prepared>());
  bench.kill_worker();
  bench.start_worker();
  bench.join();
  ASSERT_TRUE(bench.expect<Prepared>());
  bench.order(Go{p.attempt, p.lease_left});
  ASSERT_TRUE(bench.expect<AttemptGone>());
  EXPECT_EQ("ran\n", bench.log(p.attempt));
}

TEST_F(WorkerRecovery, TheLeaseEndsByTheNodesOwnClock) {
  // No broker and no worker: the holder alone keeps the deadline.
  const Prepare p =
      bench.shell(34, "trap 'echo asked; exit 0' TERM; echo $$; while :; do sleep 0.01; done");
  bench.start(p, milliseconds(1'500));
  const auto start = Clock::now();
  const pid_t rank = pid_from_log(p.attempt);
  bench.close_broker();
  bench.kill_worker();
  ASSERT_TRUE(Bench::eventually([&] { return !Bench::runs(rank); }));
  EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(1'300))
      << "not before the lease was over";
  bench.open_broker();
  bench.start_worker();
  bench.join();
  ASSERT_TRUE(bench.expect<AttemptGone>());
  EXPECT_NE(std::string::npos, bench.log(p.attempt).find("asked"));
}

TEST_F(WorkerRecovery, ASilentBrokerStopsNobody) {
  const Prepare p = bench.shell(35, "echo $$; while :; do sleep 0.01; done");
  bench.start(p);
  const pid_t rank = pid_from_log(p.attempt);
  bench.close_broker();
  EXPECT_FALSE(
      Bench::eventually([&] { return !Bench::runs(rank); }, std::chrono::milliseconds(1'000)));
  bench.open_broker();  // at another port: the connection file says where
  const Join join = bench.join({6});
  ASSERT_EQ(1U, join.holdings.size());
  EXPECT_FALSE(join.holdings[0].gone);
  bench.order(StopAttempt{p.attempt, Cause::cancel, {}, {}}, {6});
  EXPECT_TRUE(bench.expect<AttemptGone>());
}

TEST_F(WorkerRecovery, AKilledHolderTakesItsRanksAlongAndTheyAreReportedLost) {
  const Prepare p = bench.shell(36, "setsid sleep 300 & echo $$; sleep 300");
  bench.start(p);
  const pid_t rank = pid_from_log(p.attempt);
  const std::string bytes = bench.read(bench.state() + "/attempts/36/state");
  const auto envelope =
      decode_envelope(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
  ASSERT_TRUE(envelope);
  ::kill(static_cast<pid_t>(std::get<HolderState>(envelope->body).pid), SIGKILL);
  const auto end = bench.rank_end(p.attempt);
  ASSERT_TRUE(end);
  EXPECT_EQ(RankState::lost, end->state);
  ASSERT_TRUE(bench.expect<AttemptGone>());
  EXPECT_FALSE(Bench::runs(rank));
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string environment = bench.read(entry.path().string() + "/environ");
    EXPECT_EQ(std::string::npos, environment.find(bench.state() + "/worker.sock")) << entry.path();
  }
}

TEST_F(WorkerRecovery, RanksHearTheSeedAndWhoEnded) {
  const Prepare p = bench.attempt(
      37,
      {"/bin/sh", "-c",
       "[ $RANK = 1 ] && { trap 'exit 5' USR1; echo ready; while :; do sleep 0.01; done; }; exec " +
           talker()},
      2);
  bench.start(p);
  bench.log(p.attempt, 1, "ready");
  EXPECT_NE(std::string::npos, bench.log(p.attempt, 0, "seed").find("seed of 3 bytes"));
  bench.order(SignalRanks{p.attempt, 1, SIGUSR1});
  EXPECT_NE(std::string::npos, bench.log(p.attempt, 0, "peer").find("peer 1 peer.exit"));
  Blame blame;
  blame.code = Code::peer_exit;
  blame.rank = 1;
  bench.order(StopAttempt{p.attempt, Cause::rank_failed, blame, seconds(20)});
  const auto end = bench.rank_end(p.attempt, 0);
  ASSERT_TRUE(end);
  EXPECT_EQ(0, end->status) << "it left by itself, before any signal";
  EXPECT_NE(std::string::npos, bench.log(p.attempt, 0).find("stop peer.exit"));
}

TEST_F(WorkerRecovery, ARankComesAgainAfterItsWorkerWasKilled) {
  const Prepare p = bench.attempt(38, {talker()});
  bench.start(p);
  bench.log(p.attempt, 0, "seed");
  bench.kill_worker();
  bench.start_worker();
  bench.join();
  EXPECT_NE(std::string::npos, bench.log(p.attempt, 0, "cut off\nconnected\nseed of 3 bytes")
                                   .find("cut off\nconnected\nseed of 3 bytes"));
  bench.order(StopAttempt{p.attempt, Cause::cancel, {}, seconds(20)});
  EXPECT_TRUE(bench.rank_end(p.attempt));
}

TEST_F(WorkerRecovery, ARankSpeaksForItselfOnly) {
  // Rank 0 claims to be rank 1; a stranger outside the attempt claims to be rank 0.
  const Prepare p = bench.attempt(
      39, {"/bin/sh", "-c", "[ $RANK = 1 ] && exec sleep 300; exec " + talker() + " 1"}, 2);
  bench.start(p);
  const auto end = bench.rank_end(p.attempt, 0);
  ASSERT_TRUE(end);
  EXPECT_EQ(9, end->status) << bench.log(p.attempt, 0);
  const std::string command =
      fmt::format("WEFT_ATTEMPT=39 RANK=1 WEFT_WORKER={}/worker.sock {} 1 > /dev/null",
                  bench.state(), talker());
  const int status = std::system(command.c_str());
  EXPECT_EQ(9, WEXITSTATUS(status));
  EXPECT_EQ(0U, bench.count<MeshSeed>());
}

}  // namespace
}  // namespace weft::bench
