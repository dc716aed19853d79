// Links that fail, and what somebody else has planted: nothing opens, and all of it is found.
#include <linux/fib_rules.h>

#include "broker/shell/drivers/linux/kernel.hpp"
#include "broker/shell/drivers/linux/tables.hpp"
#include "tests/fabric/linux_fabric.hpp"

namespace weft::test {
namespace {

using fabric::At;
using fabric::Hop;
using fabric::Tier;
constexpr At leaf0{Tier::leaf, 0};
constexpr Hop up0{Hop::Way::up, 0}, up1{Hop::Way::up, 1};

// Leaves 0 and 1 whole, with both uplinks: h0 and h2 are reached over u0, h1 and h3 over u1.
fabric::Placed two_leaves() {
  fabric::Placed out{1, {fabric::Shape::pod, 4, {}, {}}, 0};
  out.cut.leaves = {{0, 0b11, 0b11}, {1, 0b11, 0b11}};
  return out;
}

class LinuxFaults : public LinuxFabric {
 protected:
  netns::Kernel kernel(At at) {
    auto opened = netns::Kernel::open(netns::Places(fabric_, tag_).space(at));
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }
  fabric::VerifyReport verify(std::vector<std::uint64_t> slices) {
    auto seen = driver_->verify(slices);
    EXPECT_TRUE(seen) << to_string(seen.error());
    return seen ? seen->report : fabric::VerifyReport{};
  }
  void pull(bool up) {
    const auto done = netns::set_link(fabric_, tag_, leaf0, up0, up);
    ASSERT_TRUE(done) << to_string(done.error());
  }
};

TEST_F(LinuxFaults, ALinkThatFailsClosesAndHealsByProgrammingAgain) {
  build(eight_hosts(), 2);
  ASSERT_TRUE(apply({two_leaves()}).report.differences.empty());
  ASSERT_TRUE(udp(0, 2));
  pull(false);
  auto down = events(FabricEvent::What::link_down);
  ASSERT_EQ(down.size(), 1U);  // both ends as one
  EXPECT_EQ(down[0].links, (fabric::Cut{.leaves = {{0, 0, 1}}, .l2 = {}}));
  EXPECT_FALSE(udp(0, 2, soon_ms));
  EXPECT_FALSE(udp(2, 0, soon_ms));  // from the end that only lost the carrier
  EXPECT_TRUE(udp(1, 3));            // the other uplink is whole
  EXPECT_FALSE(verify({1}).differences.empty());

  const Applied healed = apply({two_leaves()}, down[0].links);
  EXPECT_TRUE(udp(0, 2));
  EXPECT_TRUE(udp(2, 0));
  EXPECT_TRUE(healed.report.differences.empty()) << text(healed.report);

  pull(true);
  ASSERT_EQ(events(FabricEvent::What::link_up).size(), 1U);
  const auto before = packets_on_uplinks(0b01);
  const Applied back = apply({two_leaves()});
  EXPECT_TRUE(back.report.differences.empty()) << text(back.report);
  EXPECT_TRUE(udp(0, 2));
  EXPECT_GT(packets_on_uplinks(0b01), before);
}

TEST_F(LinuxFaults, WhenALinkComesBackItsRowsDoNotAndThatIsFound) {
  build(eight_hosts(), 2);
  apply({two_leaves()});
  pull(false);
  pull(true);
  EXPECT_FALSE(events(FabricEvent::What::link_up).empty());
  EXPECT_FALSE(udp(0, 2, soon_ms));
  EXPECT_FALSE(verify({1}).differences.empty());
  const Applied again = apply({two_leaves()});
  EXPECT_TRUE(again.report.differences.empty()) << text(again.report);
  EXPECT_TRUE(udp(0, 2));
}

TEST_F(LinuxFaults, AHostWhoseLinkFailsIsNamedAndComesBack) {
  build(eight_hosts(), 2);
  apply({slice_one()});
  ASSERT_TRUE(netns::set_link(fabric_, tag_, leaf0, {Hop::Way::down, 0}, false));
  auto lost = events(FabricEvent::What::host_lost);
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost[0].from, 0U);
  EXPECT_FALSE(udp(3, 0, soon_ms));
  ASSERT_TRUE(netns::set_link(fabric_, tag_, leaf0, {Hop::Way::down, 0}, true));
  ASSERT_FALSE(events(FabricEvent::What::link_up).empty());
  const Applied again = apply({slice_one()});
  EXPECT_TRUE(again.report.differences.empty()) << text(again.report);
  EXPECT_TRUE(udp(3, 0));
}

TEST_F(LinuxFaults, AHostThatTakesItsCableAwayHarmsItselfOnly) {
  build(eight_hosts(), 2);
  apply({slice_one(), slice_two()});
  auto host = netns::Kernel::open(netns::space_of_host(tag_, 0));
  ASSERT_TRUE(host);
  ASSERT_TRUE(host->remove_links());
  EXPECT_EQ(events(FabricEvent::What::host_lost).size(), 1U);
  const Applied again = apply({slice_one(), slice_two()});
  ASSERT_FALSE(again.report.differences.empty());
  for (const auto& difference : again.report.differences) EXPECT_EQ(difference.slice, 1U);
  EXPECT_TRUE(udp(3, 4));
  EXPECT_TRUE(udp(1, 2));
}

struct Planted {
  const char* name;
  void (*plant)(netns::Kernel& leaf, int u0, int u1, int d1, std::uint32_t h1, std::uint32_t h3);
  const char* found;  // in one of the differences
};

// Slice 1 and a free host: h1 next to h0. Nothing leads there either.
TEST_F(LinuxFaults, AWayToAFreeHostIsFound) {
  build(eight_hosts(), 2);
  const auto clean = apply({slice_one()}).report;
  ASSERT_TRUE(clean.differences.empty()) << text(clean);
  const netns::Places places(fabric_, tag_);
  auto leaf = kernel(leaf0);
  netns::RuleRow rule;
  rule.preference = 30;
  rule.in = "d1";
  rule.table = netns::table_of(1, false);
  rule.action = FR_ACT_TO_TBL;
  ASSERT_TRUE(leaf.add_rule(rule));
  const std::string found = text(verify({1}));
  EXPECT_NE(found.find("h1 may send to h0, and one of them is not of the slice"), std::string::npos)
      << found;
}

// Slice 1: h0 h3 h4 h7 over u0. h1 is slice 2's neighbour of h0 on leaf 0.
const Planted plants[] = {
    {"a slice's row over a link of the other",
     [](netns::Kernel& leaf, int, int u1, int, std::uint32_t, std::uint32_t h3) {
       auto done = leaf.add_route(netns::through(netns::table_of(1, false), h3, u1), true);
       ASSERT_TRUE(done && *done == 0);
     },
     "h0 to h3: at leaf0_0: uplink 1 is not the slice's"},
    {"a way to a host of the other slice",
     [](netns::Kernel& leaf, int, int, int d1, std::uint32_t h1, std::uint32_t) {
       auto done = leaf.add_route(netns::through(netns::table_of(1, false), h1, d1));
       ASSERT_TRUE(done && *done == 0);
     },
     "h0 of slice 1 may send to h1 of slice 2"},
    {"a row that is gone",
     [](netns::Kernel& leaf, int u0, int, int, std::uint32_t, std::uint32_t h3) {
       ASSERT_TRUE(leaf.remove_route(netns::through(netns::table_of(1, false), h3, u0)));
     },
     "h0 to h3: at leaf0_0: no way there"},
    {"a rule in front of the slice's",
     [](netns::Kernel& leaf, int, int, int, std::uint32_t, std::uint32_t) {
       netns::RuleRow rule;
       rule.preference = 10;
       rule.in = "d0";
       rule.table = 77;
       rule.action = FR_ACT_TO_TBL;
       ASSERT_TRUE(leaf.add_rule(rule));
     },
     "leaf0_0: rule 10 iif d0 table 77 that nobody asked for"},
    {"the refusal is gone",
     [](netns::Kernel& leaf, int, int, int, std::uint32_t, std::uint32_t) {
       const auto rules = leaf.rules().value();
       for (const auto& rule : rules)
         if (rule.preference == 20'000) {
           ASSERT_TRUE(leaf.remove_rule(rule));
         }
     },
     "the rule that refuses everything else is gone"},
    {"a row in the main table",
     [](netns::Kernel& leaf, int, int, int d1, std::uint32_t h1, std::uint32_t) {
       auto done = leaf.add_route(netns::through(254, h1, d1));
       ASSERT_TRUE(done && *done == 0);
     },
     "leaf0_0: table 254 has a row for"},
};

TEST_F(LinuxFaults, WhatSomebodyPlantedIsFoundAndPutRight) {
  build(eight_hosts(), 2);
  const netns::Places places(fabric_, tag_);
  for (const Planted& planted : plants) {
    SCOPED_TRACE(planted.name);
    ASSERT_TRUE(apply({}).report.differences.empty());  // tables start from the first again
    const auto clean = apply({slice_one(), slice_two()}).report;
    ASSERT_TRUE(clean.differences.empty()) << text(clean);
    auto leaf = kernel(leaf0);
    auto devices = *leaf.devices();
    planted.plant(leaf, devices["u0"].index, devices["u1"].index, devices["d1"].index,
                  places.address(1), places.address(3));
    const std::string found = text(verify({1}));
    EXPECT_NE(found.find(planted.found), std::string::npos) << found;
    const auto right = apply({slice_one(), slice_two()}).report;
    EXPECT_TRUE(right.differences.empty()) << text(right);
    EXPECT_TRUE(udp(0, 3));
    EXPECT_FALSE(udp(0, 1, soon_ms));
  }
}

}  // namespace
}  // namespace weft::test
