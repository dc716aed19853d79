// Slices of a fabric of network namespaces, rented by the real programs: measured before use and
// after it, and not handed over where a link is slow.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/process/support/cluster.hpp"

namespace weft::test {
namespace {

using ::testing::HasSubstr;

class OnFabric : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root can make network namespaces";
  }
  // Of the namespaces that `weft up` made: weft-TAG-leaf0_0 and so on.
  static std::string tag_of(const Cluster& cluster) {
    std::ifstream record(cluster.state() + "/up.yaml");
    for (std::string word; record >> word;)
      if (word == "tag:" && record >> word) return word;
    return {};
  }
};

TEST_F(OnFabric, ASliceIsMeasuredBeforeUseAndAfterIt) {
  Cluster cluster({.nodes = 8, .user = {}, .fabric = "leaf-spine-8.yaml"});
  ASSERT_TRUE(cluster.up());
  const Output ran = cluster.weft({"run", "-N", "4", "--", "true"});
  ASSERT_EQ(ran.code, 0) << ran.all();
  wait_until("it is measured at its return", [&] {
    return cluster.json({"slice", "certificate", "s1"})["certificates"].size() == 2;
  });
  const Json all = cluster.json({"slice", "certificate", "s1"});
  for (const Json& c : all["certificates"]) {
    EXPECT_TRUE(c["measured"].get<bool>() && c["passed"].get<bool>()) << c.dump(1);
    EXPECT_EQ(c["pairs"], 12);
    EXPECT_EQ(c["bandwidth_needed_bps"], 40'000'000);
    EXPECT_GE(c["bandwidth_bps"]["least"], 40'000'000);
    EXPECT_GT(c["latency_ns"]["least"], 1'000);
  }
  EXPECT_EQ(all["certificates"][1]["at_return"], true);
  EXPECT_TRUE(cluster.down());
}

TEST_F(OnFabric, ASlowLinkIsNamedAndTheJobRunsElsewhereUnbilledBefore) {
  Cluster cluster({.nodes = 8, .user = {}, .fabric = "leaf-spine-8.yaml"});
  ASSERT_TRUE(cluster.up());
  const std::string leaf = "/run/netns/weft-" + tag_of(cluster) + "-leaf0_0";
  ASSERT_EQ(access(leaf.c_str(), F_OK), 0) << leaf;
  const std::string slow = "nsenter --net=" + leaf +
                           " tc qdisc change dev u1 root tbf rate 30mbit burst 32k latency 20ms";
  ASSERT_EQ(std::system(slow.c_str()), 0);
  const Output ran = cluster.weft({"run", "-N", "4", "--", "true"});
  EXPECT_EQ(ran.code, 0) << ran.all();
  const Output first = cluster.weft({"slice", "certificate", "s1"});
  EXPECT_EQ(first.code, 5) << first.all();
  EXPECT_THAT(first.out, HasSubstr("FAILED: "));
  EXPECT_THAT(first.out, HasSubstr("leaf1 to spine2"));
  const Json job = cluster.json({"show", "1"});
  EXPECT_EQ(job["nodes"], Json({"n5", "n6", "n7", "n8"}));
  for (const Json& lease : cluster.json({"lease", "list"})["leases"])
    EXPECT_TRUE(lease["id"] != 1 || lease["active_at"] == 0) << lease.dump(1);
  // Nobody gets that link before an operator says so.
  const Json fabric = cluster.json({"slice", "list"});
  EXPECT_EQ(fabric["state"]["quarantined"]["leaves"][0]["up"], 2);
  EXPECT_EQ(cluster.weft({"fabric", "clear"}).code, 0);
  EXPECT_TRUE(cluster.json({"slice", "list"})["state"]["quarantined"]["leaves"].empty());
  EXPECT_TRUE(cluster.down());
}

}  // namespace
}  // namespace weft::test
