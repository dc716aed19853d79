// kill -9 of the broker, of a worker and of the gateways while a gang is stepping: the ranks do not
// notice, the job ends well, and the bill is exact.
#include <csignal>
#include <cstdlib>
#include <random>

#include "tests/process/support/bill_check.hpp"
#include "tests/process/support/rank_files.hpp"

namespace weft::test {
namespace {

bool soak() { return std::getenv("WEFT_SOAK") != nullptr; }

class Recovery : public ::testing::Test {
 protected:
  static constexpr std::uint32_t ranks = 4;

  void SetUp() override {
    ASSERT_TRUE(cluster_.up());
    run_ =
        cluster_.start({"run", "-N", std::to_string(ranks), "-t", "30m", "--",
                        cluster_.rank_program("weft-test-stepper"), files_.directory(), "0", "5"});
    files_.wait_for_step(20);
    pids_ = files_.pids();
    job_ = cluster_.json({"ps"})["jobs"].at(0)["job"].get<std::uint64_t>();
  }

  // Nobody restarts anything until resume(): what happens meanwhile happens without the victim.
  void hold_supervisor() {
    supervisor_ = cluster_.supervisor();
    ASSERT_GT(supervisor_, 1);
    kill(supervisor_, SIGSTOP);
  }
  void resume_supervisor() const { kill(supervisor_, SIGCONT); }

  void end_and_check() {
    EXPECT_EQ(files_.pids(), pids_);
    for (const pid_t pid : pids_) EXPECT_TRUE(alive(pid)) << pid;
    files_.tell_to_stop();
    const Output& output = run_->wait();
    EXPECT_EQ(output.code, 0) << output.all();
    const Json view = cluster_.json({"show", std::to_string(job_)});
    EXPECT_EQ(view["job"]["state"], "succeeded") << view.dump(1);
    EXPECT_EQ(view["attempts"].size(), 1U) << view.dump(1);
    EXPECT_EQ(view["job"]["restarts"], 0) << view.dump(1);
    expect_exact_bill(cluster_, job_);
    EXPECT_TRUE(cluster_.down());
  }

  Cluster cluster_{Cluster::Options{ranks, {}}};
  RankFiles files_{cluster_.shared_directory("ranks"), ranks};
  std::unique_ptr<Background> run_;
  std::vector<pid_t> pids_;
  std::uint64_t job_ = 0;
  pid_t supervisor_ = 0;
  const unsigned seed_ = std::random_device{}();
  testing::ScopedTrace seed_said_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
  std::mt19937 random_{seed_};
};

TEST_F(Recovery, OfTheBrokerAtTenRandomMoments) {
  const int kills = soak() ? 100 : 10;
  for (int i = 0; i < kills && !HasFailure(); ++i) {
    SCOPED_TRACE(i);
    files_.wait_for_more(static_cast<std::int64_t>(random_() % 40));
    hold_supervisor();
    kill_now(cluster_.broker());
    files_.wait_for_more(20);
    EXPECT_EQ(cluster_.broker(), 0) << "the steps were done without a broker";
    resume_supervisor();
    wait_until("another broker is there", [&] { return cluster_.broker() != 0; });
    // Every third one is killed again somewhere in its recovery.
    if (i % 3 != 2) wait_until("it answers", [&] { return cluster_.answers(); });
  }
  wait_until("the last broker answers", [&] { return cluster_.answers(); });
  end_and_check();
}

TEST_F(Recovery, OfAWorkerWhoseRanksAreAdoptedAgain) {
  const int kills = soak() ? 20 : 2;
  for (int i = 0; i < kills && !HasFailure(); ++i) {
    const std::string node = "n" + std::to_string(1 + i % static_cast<int>(ranks));
    SCOPED_TRACE(node);
    const pid_t old = cluster_.worker(node);
    ASSERT_GT(old, 1);
    hold_supervisor();
    kill_now(old);
    files_.wait_for_more(20);
    resume_supervisor();
    wait_until("another worker is there",
               [&] { return cluster_.worker(node) != 0 && cluster_.worker(node) != old; });
    wait_until("its node is up again", [&] {
      const Json list = cluster_.json({"nodes"});
      for (const Json& one : list["nodes"])
        if (one["name"] == node) return one["state"] == "up";
      return false;
    });
    files_.wait_for_more(20);
  }
  end_and_check();
}

TEST_F(Recovery, OfEachGateway) {
  const pid_t broker = cluster_.broker();
  ASSERT_EQ(cluster_.gateways().size(), 2U);
  const int kills = soak() ? 40 : 4;
  for (int i = 0; i < kills && !HasFailure(); ++i) {
    auto before = cluster_.gateways();
    const pid_t victim = before.at(static_cast<std::size_t>(i) % before.size());
    const auto killed = now_ms();
    kill_now(victim);
    wait_until("both gateways are there", [&] { return cluster_.gateways().size() == 2; });
    wait_until("the broker answers", [&] { return cluster_.answers(); });
    EXPECT_LT(now_ms() - killed, 5'000) << "served again";
    files_.wait_for_more(10);
  }
  EXPECT_EQ(cluster_.broker(), broker) << "the core does not notice";
  end_and_check();
}

}  // namespace
}  // namespace weft::test
