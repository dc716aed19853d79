// weft-worker for real: sessions, launches, ends, logs, users.
#include "worker_bench.hpp"

namespace weft::bench {
namespace {

class WorkerProcess : public ::testing::Test {
 protected:
  void join() {
    bench.start_worker();
    bench.join();
  }
  Bench bench;
};

TEST_F(WorkerProcess, JoinsWithItsInventoryAndBeats) {
  bench.start_worker();
  const Join join = bench.join();
  EXPECT_EQ("n1", join.node_name);
  EXPECT_EQ(0U, join.epoch_seen.value);
  EXPECT_GE(join.inventory.cores, 1U);
  EXPECT_GT(join.inventory.memory_bytes, 1U << 20);
  EXPECT_EQ("127.0.0.1", join.inventory.address);
  EXPECT_FALSE(join.inventory.version.empty());
  EXPECT_TRUE(join.holdings.empty());
  EXPECT_NE(0U, bench.incarnation_.value);
  EXPECT_TRUE(Bench::eventually([&] {
    (void)bench.expect<Join>([](const Join&) { return false; }, std::chrono::milliseconds(50));
    return bench.beats_ >= 3;
  }));
}

TEST_F(WorkerProcess, RunsAGangAndReportsHowEachRankEnded) {
  join();
  const Prepare p =
      bench.shell(11, "echo out-$RANK-$WORLD_SIZE-$LOCAL_RANK; echo oops >&2; exit $RANK", 2);
  bench.order(p);
  ASSERT_TRUE(bench.expect<Prepared>());
  EXPECT_EQ("", bench.read(bench.state() + "/attempts/11/rank-0.out"))
      << "a line of user code ran before Go";
  bench.order(Go{p.attempt, p.lease_left});
  for (std::uint32_t rank : {0U, 1U}) {
    const auto end = bench.rank_end(p.attempt, rank);
    ASSERT_TRUE(end);
    EXPECT_EQ(RankState::exited, end->state);
    EXPECT_EQ(static_cast<int>(rank), end->status);
    EXPECT_EQ("oops\n", end->last_lines);
    EXPECT_EQ(fmt::format("out-{}-2-{}\n", rank, rank), bench.log(p.attempt, rank));
  }
  EXPECT_TRUE(bench.expect<AttemptGone>());
  bench.order(Forget{p.attempt});
  EXPECT_EQ("oops\n", bench.log(p.attempt, 1, {}, true)) << "logs stay readable";
  EXPECT_NE(std::string::npos, bench.log(p.attempt, 2).find("rank.unknown"));
}

TEST_F(WorkerProcess, SaysWhyAGangCanNotStartBeforeAnyOfItRuns) {
  join();
  Prepare p = bench.attempt(12, {"no-such-program"});
  bench.order(p);
  auto prepared = bench.expect<Prepared>();
  ASSERT_TRUE(prepared);
  EXPECT_EQ(Code::launch_exec, prepared->code);
  EXPECT_NE(std::string::npos, prepared->detail.find("no-such-program: No such file or directory"))
      << prepared->detail;
  EXPECT_NE(std::string::npos, prepared->detail.find("PATH")) << prepared->detail;
  EXPECT_TRUE(bench.expect<AttemptGone>());

  p = bench.shell(13, "true");
  p.spec.workdir = "/no/such/place";
  bench.order(p);
  prepared = bench.expect<Prepared>();
  ASSERT_TRUE(prepared);
  EXPECT_EQ(Code::launch_workdir, prepared->code);
  EXPECT_NE(std::string::npos, prepared->detail.find("/no/such/place")) << prepared->detail;
  EXPECT_NE(std::string::npos, prepared->detail.find("user")) << prepared->detail;
  EXPECT_TRUE(bench.expect<AttemptGone>());
}

void kill_a_tree(Bench& bench, const std::vector<std::string>& options) {
  bench.start_worker(options);
  bench.join();
  // A child in a session of its own, and one that is an orphan: neither may survive.
  const Prepare p = bench.shell(
      14,
      "trap '' TERM; setsid sleep 300 & (sleep 301 &) ; echo ready; while :; do sleep 300; done");
  bench.start(p);
  bench.log(p.attempt, 0, "ready");
  bench.order(StopAttempt{p.attempt, Cause::cancel, {}, milliseconds(200)});
  const auto end = bench.rank_end(p.attempt);
  ASSERT_TRUE(end);
  EXPECT_EQ(RankState::stopped, end->state);
  EXPECT_EQ(SIGKILL, end->status);
  ASSERT_TRUE(bench.expect<AttemptGone>());
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string command = bench.read(entry.path().string() + "/environ");
    EXPECT_EQ(std::string::npos, command.find(bench.state() + "/worker.sock")) << entry.path();
  }
}

TEST_F(WorkerProcess, StopAsksThenKillsTheWholeTree) { kill_a_tree(bench, {}); }
TEST_F(WorkerProcess, StopKillsTheWholeTreeWithoutCgroupsToo) {
  kill_a_tree(bench, {"--no-cgroup"});
}

TEST_F(WorkerProcess, OfAnEndlessLogTheHeadAndTheTailAreKept) {
  join();
  const Prepare p =
      bench.shell(25, "echo first; head -c 90000000 /dev/zero | tr '\\0' x; echo; echo last");
  bench.start(p);
  ASSERT_TRUE(bench.expect<AttemptGone>());
  struct stat file{};
  ASSERT_EQ(0, ::stat((bench.state() + "/attempts/25/rank-0.out").c_str(), &file));
  EXPECT_LE(static_cast<std::uint64_t>(file.st_blocks) * 512, limits::rank_log_bytes_max);
  std::uint64_t offset = 0, seen = 0;
  std::string head, tail, note;
  for (bool end = false; !end;) {
    bench.order(FetchLog{++seen, p.attempt, 0, false, offset, 1 << 20, {}});
    const auto piece = bench.expect<LogPiece>();
    ASSERT_TRUE(piece && piece->code == Code::none);
    const std::string text(piece->chunk.data.begin(), piece->chunk.data.end());
    if (offset == 0) head = text.substr(0, 6);
    if (text.find("[weft:") != std::string::npos) note = text;
    tail = text.size() >= 5 ? text.substr(text.size() - 5) : tail;
    offset = piece->chunk.next;
    end = piece->chunk.end;
  }
  EXPECT_EQ(90'000'012U, offset);
  EXPECT_EQ("first\n", head);
  EXPECT_EQ("last\n", tail);
  EXPECT_NE(std::string::npos, note.find("bytes of output are not kept")) << note;
}

TEST_F(WorkerProcess, ARankThatObeysTermIsNotKilled) {
  join();
  const Prepare p =
      bench.shell(15, "trap 'echo saved; exit 75' TERM; echo ready; while :; do sleep 0.01; done");
  bench.start(p);
  bench.log(p.attempt, 0, "ready");
  bench.order(StopAttempt{p.attempt, Cause::cancel, {}, seconds(20)});
  const auto end = bench.rank_end(p.attempt);
  ASSERT_TRUE(end);
  EXPECT_EQ(RankState::exited, end->state);
  EXPECT_EQ(75, end->status);
  EXPECT_NE(std::string::npos, bench.log(p.attempt).find("saved"));
}

TEST_F(WorkerProcess, AKilledRankIsReportedWithItsSignal) {
  join();
  const Prepare p = bench.shell(16, "echo loading shard 417; kill -9 $$");
  bench.start(p);
  const auto end = bench.rank_end(p.attempt);
  ASSERT_TRUE(end);
  EXPECT_EQ(RankState::killed, end->state);
  EXPECT_EQ(SIGKILL, end->status);
  EXPECT_EQ("loading shard 417\n", end->last_lines);
}

TEST_F(WorkerProcess, SignalsReachTheRankThatIsMeant) {
  join();
  const Prepare p =
      bench.shell(17, "trap 'echo got; exit 0' USR1; echo ready; while :; do sleep 0.01; done", 2);
  bench.start(p);
  bench.log(p.attempt, 0, "ready");
  bench.log(p.attempt, 1, "ready");
  bench.order(SignalRanks{p.attempt, 1, SIGUSR1});
  ASSERT_TRUE(bench.rank_end(p.attempt, 1));
  EXPECT_FALSE(bench.expect<RankGone>([](const RankGone& r) { return r.end.rank == 0; },
                                      std::chrono::milliseconds(50)));
  bench.order(SignalRanks{p.attempt, -1, SIGUSR1});
  EXPECT_TRUE(bench.rank_end(p.attempt, 0));
}

TEST_F(WorkerProcess, ALongPollWaitsForTheNextLine) {
  join();
  const Prepare p =
      bench.shell(18, "echo one; trap 'echo two; exit 0' USR1; while :; do sleep 0.01; done");
  bench.start(p);
  EXPECT_EQ("one\n", bench.log(p.attempt, 0, "one"));
  bench.order(FetchLog{900, p.attempt, 0, false, 4, 100, seconds(30)});
  EXPECT_FALSE(
      bench.expect<LogPiece>([](const LogPiece&) { return true; }, std::chrono::milliseconds(100)));
  bench.order(SignalRanks{p.attempt, 0, SIGUSR1});
  const auto piece = bench.expect<LogPiece>();
  ASSERT_TRUE(piece);
  EXPECT_EQ(900U, piece->ticket);
  EXPECT_EQ("two\n", std::string(piece->chunk.data.begin(), piece->chunk.data.end()));
  EXPECT_EQ(8U, piece->chunk.next);
  ASSERT_TRUE(bench.expect<AttemptGone>());
  EXPECT_EQ("one\ntwo\n", bench.log(p.attempt));
}

TEST_F(WorkerProcess, AnOldEpochIsRefusedAlsoAfterARestart) {
  join();
  bench.start(bench.shell(19, "sleep 300"));
  bench.order(StopAttempt{{19}, Cause::cancel, {}, {}}, {4});
  const auto fenced = bench.expect<Fenced>();
  ASSERT_TRUE(fenced);
  EXPECT_EQ(5U, fenced->mine.value);
  bench.kill_worker();
  bench.start_worker();
  EXPECT_EQ(5U, bench.expect<Join>().value_or(Join{}).epoch_seen.value);
  bench.order(StopAttempt{{19}, Cause::cancel, {}, {}}, {4});
  EXPECT_TRUE(bench.expect<Fenced>());
  EXPECT_EQ(0U, bench.count<RankGone>());
  bench.order(StopAttempt{{19}, Cause::cancel, {}, {}}, {6});
  EXPECT_TRUE(bench.rank_end({19}));
  EXPECT_EQ("6\n", bench.read(bench.state() + "/epoch"));
}

TEST_F(WorkerProcess, RanksRunAsAnotherUserAndReadNobodysSecrets) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give ranks users of their own";
  join();
  bench.start(bench.shell(20, "sleep 300"));  // another job's files
  bench.order(StopAttempt{{20}, Cause::cancel, {}, {}});
  ASSERT_TRUE(bench.expect<AttemptGone>());
  const Prepare p = bench.shell(
      21, fmt::format(
              "id -u; id -G; grep NoNewPrivs /proc/self/status; cat {0}/worker.key "
              "{0}/attempts/20/rank-0.out {0}/attempts/21/order 2>&1;"
              "ls {0} {0}/jobs/1020 2>&1; touch {0}/x 2>&1; echo mine > $WEFT_CKPT_DIR/c "
              "&& cat $WEFT_CKPT_DIR/c; echo again > /dev/stdout; ls /proc/self/fd",  // 3 is the ls
                                                                                      // itself
              bench.state()));
  bench.start(p);
  ASSERT_TRUE(bench.expect<AttemptGone>());
  const std::string text = bench.log(p.attempt);
  EXPECT_NE(std::string::npos, text.find("1900001021\n1900001021\nNoNewPrivs:\t1\n")) << text;
  std::size_t denied = 0;
  for (std::size_t at = text.find("denied"); at != std::string::npos;
       at = text.find("denied", at + 1))
    ++denied;
  EXPECT_EQ(6U, denied) << text;
  EXPECT_NE(std::string::npos, text.find("\nmine\nagain\n0\n1\n2\n3\n")) << text;
}

TEST_F(WorkerProcess, TermStopsTheAttemptsAndLeaves) {
  join();
  const Prepare p = bench.shell(22, "echo $$; exec sleep 300");
  bench.start(p);
  const pid_t rank = std::stoi(bench.log(p.attempt, 0, "\n"));
  ASSERT_GT(rank, 1);
  ::kill(bench.worker(), SIGTERM);
  const auto end = bench.rank_end(p.attempt);
  ASSERT_TRUE(end);
  EXPECT_EQ(RankState::stopped, end->state);
  ASSERT_TRUE(bench.expect<AttemptGone>());
  bench.order(Forget{p.attempt});
  EXPECT_EQ(0, bench.wait_worker());
  EXPECT_FALSE(Bench::runs(rank));
}

TEST_F(WorkerProcess, SetupRunsOnceBeforeTheRanksAndItsFailureIsTold) {
  join();
  Prepare p = bench.shell(23, "echo rank", 2);
  p.spec.setup = "echo setup-on-$WEFT_NODE";
  bench.start(p);
  ASSERT_TRUE(bench.expect<AttemptGone>());
  EXPECT_EQ("setup-on-n1\nrank\n", bench.log(p.attempt, 0));
  EXPECT_EQ("rank\n", bench.log(p.attempt, 1));
  bench.order(Forget{p.attempt});
  p = bench.shell(24, "echo rank");
  p.spec.setup = "echo no wheel for this >&2; exit 4";
  bench.order(p);
  const auto prepared = bench.expect<Prepared>();
  ASSERT_TRUE(prepared);
  EXPECT_EQ(Code::launch_refused, prepared->code);
  EXPECT_NE(std::string::npos, prepared->detail.find("exit code 4: no wheel")) << prepared->detail;
}

TEST_F(WorkerProcess, ASecondWorkerOnTheSameDirectoryIsRefused) {
  join();
  const pid_t first = bench.worker();
  bench.start_worker();
  const int status = bench.wait_worker();
  EXPECT_EQ(1, WEXITSTATUS(status));
  EXPECT_NE(std::string::npos,
            bench.read(bench.root() + "/worker.stderr").find("another worker uses this directory"));
  ::kill(first, SIGKILL);
  ::waitpid(first, nullptr, 0);
}

}  // namespace
}  // namespace weft::bench
