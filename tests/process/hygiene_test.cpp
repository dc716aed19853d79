// What a job can see of others, what a refused launch starts, and what `weft down` leaves.
#include <unistd.h>

#include <csignal>

#include <filesystem>
#include <fstream>

#include "tests/process/support/cluster.hpp"

namespace weft::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> shell(const std::string& script, const std::string& nodes = "1") {
  return {"run", "-N", nodes, "-t", "5m", "--", "sh", "-c", script};
}

TEST(Hygiene, DownEndsARunningJobAndLeavesNothing) {
  Cluster cluster({.nodes = 3, .user = {}});
  ASSERT_TRUE(cluster.up());
  const std::string marks = cluster.shared_directory("marks");
  // Each rank also starts a child in a session of its own that ignores TERM: it has to go as well.
  const auto job = cluster.start(shell(
      "setsid sh -c 'trap \"\" TERM; touch " + marks + "/$RANK; sleep 1000' & sleep 1000", "3"));
  wait_until("all ranks run", [&] {
    return std::distance(fs::directory_iterator(marks), fs::directory_iterator()) == 3;
  });
  EXPECT_TRUE(cluster.down());
  EXPECT_NE(job->wait().code, 0) << job->wait().all();
  for (const Seen& seen : all_processes()) {
    for (const std::string& argument : seen.arguments)
      EXPECT_EQ(argument.find(marks), std::string::npos) << describe({seen});
  }
}

TEST(Hygiene, UpAfterDownKnowsTheOldJobs) {
  Cluster cluster({.nodes = 2, .user = {}});
  ASSERT_TRUE(cluster.up());
  ASSERT_EQ(cluster.weft(shell("echo first")).code, 0);
  ASSERT_TRUE(cluster.down());
  ASSERT_EQ(cluster.weft({"up", "--nodes", "2"}).code, 0);
  const Output second = cluster.weft(shell("echo second"));
  EXPECT_EQ(second.code, 0) << second.all();
  const Json jobs = cluster.json({"ps", "--all"})["jobs"];
  ASSERT_EQ(jobs.size(), 2U) << jobs.dump(1);
  EXPECT_NE(jobs[0]["job"], jobs[1]["job"]);
  EXPECT_EQ(cluster.weft({"bill", "--verify"}).code, 0);
  EXPECT_TRUE(cluster.down());
}

// As root, ranks are somebody else: no key, no journal, nothing of another job.
TEST(Hygiene, ARankSeesNothingThatIsNotItsOwn) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root: without it every rank is the same user";
  Cluster cluster({.nodes = 2, .user = {}});
  ASSERT_TRUE(cluster.up());
  ASSERT_EQ(cluster.weft(shell("echo private > $WEFT_JOB_DIR/mine; echo private-output")).code, 0);
  const std::string state = cluster.state();
  std::vector<std::string> secrets{state + "/nodes/n1/worker.key", state + "/keys/customer.key",
                                   state + "/keys/operator.key", state + "/broker/server.key",
                                   state + "/broker/journal.db"};
  for (auto at = fs::recursive_directory_iterator(state); at != fs::recursive_directory_iterator();
       ++at) {
    const std::string name = at->path().filename().string();
    if (name == "mine" || name == "rank-0.out") secrets.push_back(at->path().string());
  }
  EXPECT_GE(secrets.size(), 7U) << "the first job's file and output are there";
  for (const std::string& secret : secrets) {
    ASSERT_TRUE(fs::exists(secret)) << secret;
    const Output read = cluster.weft(shell("cat " + secret));
    EXPECT_NE(read.code, 0) << secret;
    EXPECT_EQ(read.out.find("private"), std::string::npos) << secret;
    EXPECT_NE(read.err.find("Permission denied"), std::string::npos) << secret << read.all();
  }
  const Output status = cluster.weft(
      shell("id -u; grep -E '^(NoNewPrivs|CapEff)' /proc/self/status; kill -0 " +
            std::to_string(cluster.worker("n1")) + " && echo can signal the worker; true"));
  EXPECT_EQ(status.code, 0) << status.all();
  EXPECT_NE(status.out.find("NoNewPrivs:\t1"), std::string::npos) << status.out;
  EXPECT_NE(status.out.find("CapEff:\t0000000000000000"), std::string::npos) << status.out;
  EXPECT_NE(status.out.substr(0, 2), "0\n") << status.out;
  EXPECT_EQ(status.out.find("can signal"), std::string::npos) << status.out;
}

TEST(Hygiene, APlainUserGetsTheSame) {
  if (geteuid() != 0) GTEST_SKIP() << "every other test is this one already";
  Cluster cluster({.nodes = 2, .user = 61'234});
  ASSERT_TRUE(cluster.up());
  for (const Seen& seen : processes_inside(cluster.state())) EXPECT_EQ(seen.user, 61'234U);
  const Output run = cluster.weft(shell("echo rank $RANK of $WORLD_SIZE", "2"));
  EXPECT_EQ(run.code, 0) << run.all();
  EXPECT_NE(run.out.find("rank 1 of 2"), std::string::npos) << run.all();
  EXPECT_EQ(cluster.weft({"bill", "--verify"}).code, 0);
  EXPECT_TRUE(cluster.down());
}

class Refused : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(cluster_.up()); }
  bool nothing_started() const { return fs::is_empty(marks_); }
  std::string mark() const { return "touch " + marks_ + "/$RANK"; }

  Cluster cluster_{Cluster::Options{2, {}}};
  std::string marks_ = cluster_.shared_directory("marks");
};

TEST_F(Refused, AProgramThatIsNotThereIsNamed) {
  const Output run = cluster_.weft({"run", "-N", "2", "-t", "5m", "--", "/no/such/program"});
  EXPECT_NE(run.code, 0);
  EXPECT_NE(run.err.find("launch.exec"), std::string::npos) << run.all();
  EXPECT_NE(run.err.find("/no/such/program"), std::string::npos) << run.all();
}

TEST_F(Refused, AWorkingDirectoryThatIsNotThereStartsNothing) {
  const Output run = cluster_.weft(
      {"run", "-N", "2", "-t", "5m", "-w", "/no/such/place", "--", "sh", "-c", mark()});
  EXPECT_NE(run.code, 0);
  EXPECT_NE(run.err.find("launch.workdir"), std::string::npos) << run.all();
  EXPECT_NE(run.err.find("/no/such/place"), std::string::npos) << run.all();
  EXPECT_TRUE(nothing_started());
}

// One node of two cannot launch: its directory of attempts is a file. The other's ranks never run.
TEST_F(Refused, OneNodesRefusalStartsTheGangNowhere) {
  const std::string attempts = cluster_.state() + "/nodes/n2/attempts";
  fs::remove_all(attempts);
  std::ofstream(attempts) << "in the way\n";
  const auto run = cluster_.start({"run", "-N", "2", "-t", "5m", "--", "sh", "-c", mark()});
  std::string said;
  wait_until("the refusal is known", [&] {
    const Json jobs = cluster_.json({"ps", "--all"})["jobs"];
    if (jobs.empty()) return false;
    const std::string id = std::to_string(jobs[0]["job"].get<std::uint64_t>());
    said = cluster_.weft({"why", id}).out + cluster_.weft({"show", id}).out;
    return said.find("n2") != std::string::npos && said.find("launch.") != std::string::npos;
  });
  EXPECT_TRUE(nothing_started()) << said;
  run->signal(SIGINT);  // cancels the job
  EXPECT_NE(run->wait().code, 0) << run->wait().all();
  EXPECT_TRUE(nothing_started()) << said;
}

}  // namespace
}  // namespace weft::test
