// `weft up` and `weft down` as people use them, and what happens when parts of it are killed.
#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>

#include "tests/process/support/cluster.hpp"

namespace weft::test {
namespace {

using ::testing::HasSubstr;

TEST(Up, TwiceIsRefusedWithTheWayOut) {
  Cluster cluster({.nodes = 1, .user = {}});
  ASSERT_TRUE(cluster.up());
  const Output again = cluster.weft({"up"});
  EXPECT_EQ(again.code, 4) << again.all();
  EXPECT_THAT(again.err, HasSubstr("up.running: " + cluster.state()));
  EXPECT_THAT(again.err, HasSubstr("weft down --state " + cluster.state()));
  EXPECT_EQ(cluster.weft({"run", "--", "true"}).code, 0) << "the first one is unharmed";
  EXPECT_TRUE(cluster.down());
}

TEST(Up, SeveralLiveSideBySide) {
  Cluster one({.nodes = 2, .user = {}}), two({.nodes = 2, .user = {}});
  ASSERT_TRUE(one.up() && two.up());
  EXPECT_EQ(one.weft({"run", "-N", "2", "--", "true"}).code, 0);
  EXPECT_TRUE(one.down());
  EXPECT_EQ(two.weft({"run", "-N", "2", "--", "true"}).code, 0);
  EXPECT_TRUE(two.down());
}

TEST(Up, WhatDiesIsStartedAgain) {
  Cluster cluster({.nodes = 2, .user = {}});
  ASSERT_TRUE(cluster.up());
  cluster.kill_broker();
  const pid_t worker = cluster.worker("n1");
  kill_now(worker);
  wait_until("another worker is there",
             [&] { return cluster.worker("n1") != 0 && cluster.worker("n1") != worker; });
  const Output output = cluster.weft({"run", "-N", "2", "--", "true"});
  EXPECT_EQ(output.code, 0) << output.all();
  EXPECT_TRUE(cluster.down());
}

TEST(Down, FindsWhatASupervisorThatWasKilledLeft) {
  Cluster cluster({.nodes = 2, .user = {}});
  ASSERT_TRUE(cluster.up());
  kill_now(cluster.supervisor());
  const Output again = cluster.weft({"up"});
  EXPECT_EQ(again.code, 4) << again.all();
  EXPECT_THAT(again.err, HasSubstr("without their supervisor"));
  EXPECT_TRUE(cluster.down());
}

TEST(Down, WorksWithoutBrokerWorkersAndRecord) {
  Cluster cluster({.nodes = 2, .user = {}});
  ASSERT_TRUE(cluster.up());
  const auto job = cluster.start({"run", "-N", "2", "--", "sleep", "1000"});
  wait_until("it runs", [&] { return cluster.json({"ps"})["jobs"][0]["state"] == "running"; });
  kill_now(cluster.supervisor());
  kill_now(cluster.broker());
  kill_now(cluster.worker("n1"));
  ASSERT_EQ(unlink((cluster.state() + "/up.yaml").c_str()), 0);
  EXPECT_EQ(cluster.weft({"down"}).code, 0);
  EXPECT_EQ(describe(processes_inside(cluster.state())), "");
}

TEST(Down, PurgeRemovesTheStateDirectory) {
  Cluster cluster({.nodes = 1, .user = {}});
  ASSERT_TRUE(cluster.up());
  EXPECT_EQ(cluster.weft({"down", "--purge"}).code, 0);
  EXPECT_NE(access(cluster.state().c_str(), F_OK), 0);
}

TEST(Up, WithoutRootWorkersArePlainProcesses) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  Cluster cluster({.nodes = 2, .user = 65'534});
  ASSERT_TRUE(cluster.up());
  const Output output = cluster.weft({"run", "-N", "2", "--", "id", "-u"});
  EXPECT_EQ(output.code, 0) << output.all();
  EXPECT_THAT(output.out, HasSubstr("65534"));
  EXPECT_TRUE(cluster.down());
}

}  // namespace
}  // namespace weft::test
