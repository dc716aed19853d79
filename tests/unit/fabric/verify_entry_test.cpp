// The verifier tells a switch by which port a packet comes in: policy routing depends on it.
#include <gtest/gtest.h>

#include "broker/fabric/model/generate.hpp"
#include "broker/fabric/verify/verify.hpp"

namespace weft::broker::fabric {
namespace {

struct Asked {
  At at;
  Hop in;
  bool operator==(const Asked&) const = default;
};

TEST(VerifyEntry, EverySwitchIsAskedWithThePortOfEntry) {
  const Fabric fabric = generate({2, 2, 2, 2, 2}, 3);
  Placed slice{1, {Shape::pods, 4, {}, {}}, 0};  // leaf 0 of both pods, over spine 1 of each tree
  slice.cut.leaves = {{0, 0b11, 0b11}, {2, 0b11, 0b11}};
  slice.cut.l2 = {{0, 0b10}, {1, 0b10}, {2, 0b10}, {3, 0b10}};
  const std::vector<Placed> slices{slice};
  const Masks there = present(fabric.rails.front());
  const Routes routes(there, slices);
  std::vector<Asked> asked;  // from host 1 to host 5
  Observed observed;
  observed.next_from = [&](At at, Hop in, std::uint32_t from, std::uint32_t to) {
    if (from == 1 && to == 5) asked.push_back({at, in});
    return routes.next(at, to);
  };
  observed.admitted = [](std::uint32_t, std::uint32_t) { return true; };
  observed.name = [](At) { return std::string("switch"); };
  observed.host_name = [](std::uint32_t) { return std::string("host"); };
  const std::vector<std::size_t> wanted{0};
  const VerifyReport report = verify(fabric.tree(), slices, wanted, observed);
  EXPECT_TRUE(report.differences.empty()) << report.differences.front().what;
  EXPECT_EQ(report.pairs, 12U);
  // Host 5 is the second of its leaf: tree 1. Both leaves are number 0 of their pod.
  const Hop::Way down = Hop::Way::down, up = Hop::Way::up;
  EXPECT_EQ(asked, (std::vector<Asked>{{{Tier::leaf, 0}, {down, 1}},
                                       {{Tier::l2, 1}, {down, 0}},
                                       {{Tier::spine, 3}, {down, 0}},
                                       {{Tier::l2, 3}, {up, 1}},
                                       {{Tier::leaf, 2}, {up, 1}}}));
}

}  // namespace
}  // namespace weft::broker::fabric
