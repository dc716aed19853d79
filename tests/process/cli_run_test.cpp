// `weft run` and its kin on a real cluster: output, exit codes, waiting, interrupts.
#include <gmock/gmock.h>

#include <csignal>
#include <fstream>

#include "tests/process/support/cluster.hpp"

namespace weft::test {
namespace {

using ::testing::HasSubstr;

class Run : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { cluster_ = new Cluster({.nodes = 2, .user = {}}); }
  static void TearDownTestSuite() {
    EXPECT_TRUE(cluster_->down());
    delete cluster_;
  }
  void SetUp() override { ASSERT_TRUE(cluster_->up()); }
  static Output shell(const std::string& script, const std::string& nodes = "1") {
    return cluster_->weft({"run", "-N", nodes, "-t", "5m", "--", "sh", "-c", script});
  }
  static inline Cluster* cluster_ = nullptr;
};

TEST_F(Run, OneRanksOutputComesAsItIs) {
  const Output output = shell("printf 'no newline'; printf oops >&2");
  EXPECT_EQ(output.code, 0);
  EXPECT_EQ(output.out, "no newline");
  EXPECT_EQ(output.err, "oops");
}

TEST_F(Run, ManyRanksOutputComesInWholeLinesWithTheirNames) {
  const Output output = shell("printf 'a\\nb'", "2");
  EXPECT_EQ(output.code, 0);
  for (const char* line : {"[r0 n1] a\n", "[r0 n1] b\n", "[r1 n2] a\n", "[r1 n2] b\n"})
    EXPECT_THAT(output.out, HasSubstr(line));
}

TEST_F(Run, NothingOfALongOutputIsLost) {
  const Output output = shell("seq 1 200000");
  std::string expected;
  for (int i = 1; i <= 200'000; ++i) expected += std::to_string(i) + "\n";
  EXPECT_TRUE(output.out == expected)
      << output.out.size() << " bytes, expected " << expected.size();
}

TEST_F(Run, TheUsersExitCodePassesThrough) {
  EXPECT_EQ(shell("exit 0").code, 0);
  const Output seven = shell("echo last words; exit 7");
  EXPECT_EQ(seven.code, 7);
  EXPECT_THAT(seven.err, HasSubstr("peer.exit: rank 0 on n"));
  EXPECT_THAT(seven.err, HasSubstr("| last words"));
  const Output killed = shell("kill -KILL $$");
  EXPECT_EQ(killed.code, 128 + SIGKILL);
  EXPECT_THAT(killed.err, HasSubstr("peer.killed"));
}

TEST_F(Run, AProgramThatIsNotThereIsNamed) {
  const Output output = cluster_->weft({"run", "--", "/no/such/program"});
  EXPECT_NE(output.code, 0);
  EXPECT_THAT(output.err, HasSubstr("/no/such/program"));
}

TEST_F(Run, TheFirstInterruptCancelsTheJob) {
  const auto run = cluster_->start({"run", "-N", "2", "--", "sh", "-c", "echo ready; sleep 1000"});
  wait_until("it runs", [&] { return run->out_so_far().find("ready") != std::string::npos; });
  run->signal(SIGINT);
  EXPECT_EQ(run->wait().code, 143) << run->wait().all();
  EXPECT_THAT(run->wait().err, HasSubstr("cancelling job"));
  EXPECT_TRUE(cluster_->json({"ps"})["jobs"].empty());
}

TEST_F(Run, AQueuedJobSaysWhatItWaitsFor) {
  const auto first =
      cluster_->start({"run", "-N", "2", "--", "sh", "-c", "echo ready; sleep 1000"});
  wait_until("the first runs",
             [&] { return first->out_so_far().find("ready") != std::string::npos; });
  const auto second = cluster_->start({"run", "-N", "1", "--", "echo", "second"});
  wait_until("the second waits", [&] { return cluster_->json({"ps"})["jobs"].size() == 2; });
  first->signal(SIGINT);
  first->wait();
  EXPECT_EQ(second->wait().code, 0);
  EXPECT_EQ(second->wait().out, "second\n");
  EXPECT_THAT(second->wait().err, HasSubstr("waits: "));
}

TEST_F(Run, DetachedJobsCanBeWaitedForAndRead) {
  const Json submitted = cluster_->json({"run", "-d", "--", "sh", "-c", "echo hello; exit 3"});
  const std::string job = std::to_string(submitted["job"].get<std::uint64_t>());
  EXPECT_EQ(cluster_->weft({"wait", job}).code, 3);
  EXPECT_EQ(cluster_->weft({"logs", job}).out, "hello\n");
  EXPECT_EQ(cluster_->weft({"logs", "-f", job}).out, "hello\n");
  const Output why = cluster_->weft({"why", job});
  EXPECT_THAT(why.out, HasSubstr("peer.exit"));
  const Output shown = cluster_->weft({"show", job});
  EXPECT_THAT(shown.out, HasSubstr("failed"));
  EXPECT_THAT(shown.out, HasSubstr("hello"));
  EXPECT_EQ(cluster_->weft({"cancel", job}).code, 4);
}

TEST_F(Run, TheSameKeyIsTheSameJob) {
  const std::string key = "0123456789abcdef0123456789abcdef";
  const auto submit = [&](const char* text) {
    return cluster_->weft({"run", "-d", "--key", key, "--", "echo", text});
  };
  const Output once = submit("once"), again = submit("once"), other = submit("other");
  EXPECT_EQ(once.code, 0);
  EXPECT_EQ(once.out, again.out);
  EXPECT_EQ(other.code, 7);
  EXPECT_THAT(other.err, HasSubstr("idem.conflict"));
}

TEST_F(Run, ADryRunQueuesNothing) {
  const std::string path = cluster_->directory() + "/job.yaml";
  std::ofstream(path) << "nodes: 2\ntime: 10m\nrun: [hostname]\n";
  const std::size_t before = cluster_->json({"ps", "--all"})["jobs"].size();
  const Output plan = cluster_->weft({"submit", "--dry-run", path});
  EXPECT_EQ(plan.code, 0) << plan.all();
  EXPECT_THAT(plan.out, HasSubstr("would start now on n1 n2"));
  EXPECT_EQ(cluster_->weft({"submit", "--dry-run", path, "--set", "nodes=9"}).code, 3);
  EXPECT_EQ(cluster_->json({"ps", "--all"})["jobs"].size(), before);
}

TEST_F(Run, ALeaseByHandRunsJobsAndIsReleased) {
  const Json quote = cluster_->json({"quote", "-N", "2", "-t", "10m"});
  const std::string id = "Q" + std::to_string(quote["quote"]["id"].get<std::uint64_t>());
  const Json lease = cluster_->json({"accept", id})["leases"][0];
  const std::string lease_id = std::to_string(lease["id"].get<std::uint64_t>());
  const Output run =
      cluster_->weft({"run", "-N", "2", "-t", "1m", "--lease", lease_id, "--", "echo", "mine"});
  EXPECT_EQ(run.code, 0) << run.all();
  EXPECT_EQ(cluster_->weft({"lease", "release", "L" + lease_id}).code, 0);
  EXPECT_THAT(cluster_->weft({"bill", "--lease", lease_id}).out, HasSubstr("total"));
  const Output verified = cluster_->weft({"bill", "--verify", "--lease", lease_id});
  EXPECT_EQ(verified.code, 0) << verified.all();
}

}  // namespace
}  // namespace weft::test
