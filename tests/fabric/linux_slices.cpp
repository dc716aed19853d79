// Two interleaved slices on eight hosts: what is inside works, nothing else does, and who tries is
// named.
#include <atomic>
#include <cerrno>
#include <thread>

#include "broker/shell/drivers/linux/kernel.hpp"
#include "tests/fabric/linux_fabric.hpp"

namespace weft::test {
namespace {

constexpr std::uint32_t one[] = {0, 3, 4, 7}, two[] = {1, 2, 5, 6};

TEST_F(LinuxFabric, BeforeAnySliceNobodyReachesAnybody) {
  build(eight_hosts(), 2);
  for (std::uint32_t to = 1; to < 8; ++to) EXPECT_FALSE(udp(0, to, soon_ms)) << "h" << to;
  const auto denied = events(FabricEvent::What::denied);
  ASSERT_FALSE(denied.empty());
  EXPECT_EQ(denied.front().from, 0U);
}

TEST_F(LinuxFabric, SlicesReachThemselvesAndNobodyElse) {
  build(eight_hosts(), 2);
  const Applied applied = apply({slice_one(), slice_two()});
  EXPECT_TRUE(applied.report.differences.empty()) << text(applied.report);
  EXPECT_EQ(applied.report.pairs, 24U);             // 2 slices of 4 hosts
  EXPECT_EQ(applied.report.negative_probes, 128U);  // 4 by 4, both ways, for both: of the verifier,
                                                    // then every host by every other slice's
  for (const auto* mine : {one, two})
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 4; ++j) {
        if (i == j) continue;
        EXPECT_TRUE(udp(mine[i], mine[j])) << mine[i] << " to " << mine[j];
      }
  EXPECT_EQ(tcp(0, 7), 0);
  EXPECT_EQ(tcp(2, 5), 0);
  EXPECT_TRUE(ping(4, 3));
  for (const std::uint32_t from : one)
    for (const std::uint32_t to : two) {
      EXPECT_FALSE(udp(from, to, soon_ms)) << from << " to " << to;
      EXPECT_FALSE(udp(to, from, soon_ms)) << to << " to " << from;
    }
}

TEST_F(LinuxFabric, AnAttemptIsRefusedAndNamed) {
  build(eight_hosts(), 2);
  apply({slice_one(), slice_two()});
  EXPECT_TRUE(udp(0, 3));
  // On the same leaf, in the other slice. TCP believes the refusal of its second SYN, 1 s later.
  EXPECT_EQ(tcp(0, 1, 3'000), EHOSTUNREACH);
  EXPECT_FALSE(ping(3, 2, soon_ms));
  auto denied = events(FabricEvent::What::denied);
  for (auto& event : events(FabricEvent::What::denied, milliseconds(500)))
    denied.push_back(std::move(event));
  ASSERT_EQ(denied.size(), 2U);
  EXPECT_EQ(denied[0].from, 0U);
  EXPECT_EQ(denied[0].to, 1U);
  EXPECT_GE(denied[0].attempts, 1U);
  EXPECT_NE(denied[0].text.find("h0 (slice 1) tried to reach h1 (slice 2)"), std::string::npos)
      << denied[0].text;
  EXPECT_NE(denied[0].text.find("leaf0_0 d0"), std::string::npos) << denied[0].text;
  EXPECT_EQ(denied[1].from, 3U);
  EXPECT_EQ(denied[1].to, 2U);
}

TEST_F(LinuxFabric, ASliceUsesItsOwnLinksOnlyAndALieDoesNotHelp) {
  build(eight_hosts(), 2);
  apply({slice_one(), slice_two()});
  const std::uint64_t theirs = packets_on_uplinks(0b10), mine = packets_on_uplinks(0b01);
  EXPECT_EQ(theirs, 0U);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(udp(0, 7));
  // There and back, each over the uplinks of two leaves.
  EXPECT_EQ(packets_on_uplinks(0b01) - mine, 50U * 4);
  const std::uint64_t after = packets_on_uplinks(0b01);
  for (int i = 0; i < 50; ++i) lie(0, 1, 2);  // as h1 of slice 2, to h2 of slice 2
  for (int i = 0; i < 50; ++i) lie(0, 1, 3);  // and to h3 of its own
  EXPECT_EQ(packets_on_uplinks(0b10), 0U);
  EXPECT_EQ(packets_on_uplinks(0b01), after);
  // h1 did nothing, and nobody says that it did; what h0 does as itself is said.
  EXPECT_FALSE(udp(0, 2, soon_ms));
  const auto denied = events(FabricEvent::What::denied);
  ASSERT_EQ(denied.size(), 1U);
  EXPECT_EQ(denied[0].from, 0U) << denied[0].text;
}

TEST_F(LinuxFabric, ReturnedHostsReachNobodyAndThoseWhoStayKeepTheirRows) {
  build(eight_hosts(), 2);
  apply({slice_one(), slice_two()});
  auto leaf = netns::Kernel::open("weft-" + tag_ + "-leaf0_0");
  ASSERT_TRUE(leaf);
  const auto rules = *leaf->rules();
  const auto routes = *leaf->routes();
  const auto of_two = [](std::vector<netns::RouteRow> rows) {
    std::erase_if(rows, [](const auto& row) { return row.table >> 1 != 0x8000 + 2; });
    return rows;
  };
  ASSERT_EQ(of_two(routes).size(), 5U);  // four hosts and the refusal of all else
  apply({slice_one(), slice_two()});     // once more: nothing changes
  EXPECT_EQ(*leaf->rules(), rules);
  EXPECT_EQ(*leaf->routes(), routes);
  apply({slice_two()});
  EXPECT_EQ(of_two(*leaf->routes()), of_two(routes));
  EXPECT_EQ(leaf->rules()->size() + 2, rules.size());  // h0 and u0
  for (const std::uint32_t from : one)
    for (std::uint32_t to = 0; to < 8; ++to)
      if (from != to) {
        EXPECT_FALSE(udp(from, to, soon_ms)) << from << " to " << to;
      }
  EXPECT_TRUE(udp(1, 6));
  apply({});
  EXPECT_FALSE(udp(1, 6, soon_ms));
  EXPECT_EQ(leaf->routes()->size(), 2U);  // the leaf's own, to tell its two hosts
}

TEST_F(LinuxFabric, AnotherCutTurnsOverAndANewDriverGoesOn) {
  build(eight_hosts(), 2);
  apply({slice_one(), slice_two()});
  driver_.reset();
  auto again = open_linux_driver(fabric_, tag_);
  ASSERT_TRUE(again) << to_string(again.error());
  driver_ = std::move(*again);
  fabric::Placed smaller = slice_one(), other = slice_two();
  smaller.cut.leaves.pop_back();          // h7 leaves slice 1,
  other.cut.leaves[3] = {3, 0b11, 0b11};  // and joins slice 2 with its uplink
  const Applied applied = apply({smaller, other});
  EXPECT_TRUE(applied.report.differences.empty()) << text(applied.report);
  EXPECT_TRUE(udp(0, 4));
  EXPECT_TRUE(udp(1, 7));
  EXPECT_FALSE(udp(0, 7, soon_ms));
  EXPECT_FALSE(udp(7, 0, soon_ms));
  auto old = driver_->apply({Epoch{0}, {}, {}, {}});
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, Code::epoch_fenced);
}

TEST_F(LinuxFabric, NothingIsLostWhileASliceTurnsOver) {
  build(eight_hosts(), 2);
  fabric::Placed smaller = slice_one();
  smaller.cut.leaves.pop_back();
  apply({slice_one(), slice_two()});
  std::atomic<bool> stop{false};
  std::atomic<int> sent{0}, lost{0};
  std::jthread traffic([&] {  // between hosts that stay; one that changes nothing beside them
    for (; !stop; ++sent)
      if (!udp(0, 4) || !udp(1, 6)) ++lost;
  });
  for (int i = 0; i < 10 || (sent < 20 && i < 200); ++i)
    apply({i % 2 == 0 ? smaller : slice_one(), slice_two()});
  stop = true;
  traffic.join();
  EXPECT_GT(sent.load(), 10);
  EXPECT_EQ(lost.load(), 0);
}

TEST_F(LinuxFabric, ThreeLevels) {
  build({2, 2, 2, 2, 2}, 3);
  fabric::Placed a{7, {fabric::Shape::pods, 4, {}, {}}, 0}, b{8, a.cut, 0};
  a.cut.leaves = {{0, 0b11, 0b11}, {2, 0b11, 0b11}};
  a.cut.l2 = {{0, 0b01}, {1, 0b01}, {2, 0b01}, {3, 0b01}};
  b.cut.leaves = {{1, 0b11, 0b11}, {3, 0b11, 0b11}};
  b.cut.l2 = {{0, 0b10}, {1, 0b10}, {2, 0b10}, {3, 0b10}};
  const Applied applied = apply({a, b});
  EXPECT_TRUE(applied.report.differences.empty()) << text(applied.report);
  EXPECT_TRUE(udp(0, 5));  // across pods
  EXPECT_TRUE(udp(7, 2));
  EXPECT_FALSE(udp(0, 2, soon_ms));
  EXPECT_FALSE(udp(0, 7, soon_ms));
}

TEST_F(LinuxFabric, TheSharedFabricSharesAndSaysSo) {
  build(eight_hosts(), 2);
  const Applied applied = apply({netns::shared_fabric(fabric_, 99)});
  EXPECT_TRUE(applied.report.differences.empty()) << text(applied.report);
  EXPECT_EQ(applied.report.pairs, 56U);
  for (std::uint32_t to = 1; to < 8; ++to) EXPECT_TRUE(udp(0, to)) << "h" << to;
}

TEST_F(LinuxFabric, NothingIsLeftAfterIt) {
  build(eight_hosts(), 2);
  EXPECT_EQ(left_over().size(), 14U);  // 4 leaves, 2 L2 switches, 8 hosts
  const auto twice = netns::build(fabric_, tag_);
  EXPECT_FALSE(twice);  // and what is there stays
  EXPECT_EQ(left_over().size(), 14U);
  driver_.reset();
  ASSERT_TRUE(netns::demolish(tag_));
  EXPECT_TRUE(left_over().empty());
  ASSERT_TRUE(netns::demolish(tag_));  // nothing is no error
}

}  // namespace
}  // namespace weft::test
