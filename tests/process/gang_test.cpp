// One rank of a gang dies, leaves early or never starts: the others learn who it was within a
// second, the gang is stopped, and weft names the culprit with its last words.
#include "tests/process/support/bill_check.hpp"
#include "tests/process/support/rank_files.hpp"

namespace weft::test {
namespace {

class Gang : public ::testing::Test {
 protected:
  static constexpr std::uint32_t ranks = 3;
  static constexpr std::uint32_t culprit = 1;

  void SetUp() override { ASSERT_TRUE(cluster_.up()); }

  void start(const std::string& act) {
    run_ = cluster_.start({"run", "-N", std::to_string(ranks), "-t", "10m", "--",
                           cluster_.rank_program("weft-test-stepper"), files_.directory(), "0", "1",
                           std::to_string(culprit), "50", act});
    files_.wait_for_step(49);
    pids_ = files_.pids();
    job_ = cluster_.json({"ps", "--all"})["jobs"].at(0)["job"].get<std::uint64_t>();
  }

  // Every other rank's pending operation failed with `code`, naming the culprit, before `until_ms`.
  void expect_named(const std::string& code, std::int64_t until_ms) {
    const Json view = cluster_.json({"show", std::to_string(job_)});
    const auto node = view["nodes"].at(culprit).get<std::string>();
    for (std::uint32_t rank = 0; rank < ranks; ++rank) {
      if (rank == culprit) continue;
      SCOPED_TRACE(rank);
      const RankFiles::Failure failure = files_.failure(rank);
      EXPECT_EQ(failure.code, code) << failure.detail;
      EXPECT_EQ(failure.culprit, culprit) << failure.detail;
      EXPECT_EQ(failure.node, node) << failure.detail;
      EXPECT_LE(failure.at_ms, until_ms) << failure.detail;
    }
    for (const pid_t pid : pids_) wait_until("the gang is gone", [pid] { return !alive(pid); });
  }

  void expect_explained(const std::string& words) {
    const std::string id = std::to_string(job_);
    for (const char* verb : {"show", "why"}) {
      const Output text = cluster_.weft({verb, id});
      EXPECT_EQ(text.code, 0) << text.all();
      EXPECT_NE(text.out.find("rank 1"), std::string::npos) << text.out;
      EXPECT_NE(text.out.find(words), std::string::npos) << text.out;
      EXPECT_NE(text.out.find("rank 1 is about to do"), std::string::npos)
          << "its last lines: " << text.out;
    }
  }

  Cluster cluster_{Cluster::Options{ranks, {}}};
  RankFiles files_{cluster_.shared_directory("ranks"), ranks};
  std::unique_ptr<Background> run_;
  std::vector<pid_t> pids_;
  std::uint64_t job_ = 0;
};

TEST_F(Gang, AKilledRankIsNamedWithinASecond) {
  start("wait");
  const auto killed = now_ms();
  kill_now(pids_[culprit]);
  expect_named("peer.killed", killed + 1'000);
  const Output& output = run_->wait();
  EXPECT_EQ(output.code, 128 + 9) << output.all();
  expect_explained("killed");
  expect_exact_bill(cluster_, job_);
}

TEST_F(Gang, ARankThatExitsBadlyPassesItsCodeOn) {
  const auto began = now_ms();
  start("exit7");
  expect_named("peer.exit", INT64_MAX);
  EXPECT_EQ(run_->wait().code, 7) << run_->wait().all();
  EXPECT_GT(files_.failure(0).at_ms, began);
  expect_explained("7");
}

TEST_F(Gang, ARankThatExitsWellInTheMiddleHasLeftEarly) {
  start("exit0");
  expect_named("peer.left", INT64_MAX);
  EXPECT_NE(run_->wait().code, 0) << run_->wait().all();
  expect_explained("left early");
}

}  // namespace
}  // namespace weft::test
