// weft's own ranks over UCX in the hosts of slices: inside they work, across they don't.
#include "tests/fabric/linux_fabric.hpp"
#include "tests/transport/gang.hpp"

namespace weft::test {
namespace {

class LinuxRanks : public LinuxFabric {
 protected:
  Shape on(std::vector<std::uint32_t> hosts) {
    Shape shape;
    shape.nodes = static_cast<std::uint32_t>(hosts.size());
    for (const std::uint32_t host : hosts)
      shape.places.push_back({netns::space_of_host(tag_, host), address(host)});
    shape.environment["UCX_NET_DEVICES"] = "eth0";
    shape.environment["UCX_TLS"] = "tcp,self";  // all hosts are on one machine
    return shape;
  }
};

TEST_F(LinuxRanks, ASliceRunsCollectivesAndRanksOfTwoSlicesNeverMeet) {
  build(eight_hosts(), 2);
  ASSERT_TRUE(apply({slice_one(), slice_two()}).report.differences.empty());
  Gang whole(on({0, 3, 4, 7}), {"repeat", "20", "10000"});
  for (const Outcome& rank : whole.finish(20'000)) EXPECT_EQ(rank.code, 0) << rank.output;
  EXPECT_GT(packets_on_uplinks(0b01), 100U);
  EXPECT_EQ(packets_on_uplinks(0b10), 0U);

  Gang across(on({0, 1}), {"join", "2000"});
  EXPECT_TRUE(across.wait_for(0, "failed_at"));  // the other one's UCX takes 14 s to give up
  for (const Outcome& rank : across.finish(1)) EXPECT_EQ(rank.value("joined"), "") << rank.output;
  const auto denied = events(FabricEvent::What::denied);
  ASSERT_FALSE(denied.empty());
  EXPECT_EQ(denied[0].from, 1U) << denied[0].text;  // which got the address of rank 0
  EXPECT_EQ(denied[0].to, 0U);
}

}  // namespace
}  // namespace weft::test
