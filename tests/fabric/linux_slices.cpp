// Two interleaved slices on eight hosts: what is inside works, nothing else does.
#include <cerrno>

#include "tests/fabric/linux_fabric.hpp"

namespace weft::test {
namespace {

constexpr std::uint32_t one[] = {0, 3, 4, 7}, two[] = {1, 2, 5, 6};

TEST_F(LinuxFabric, BeforeAnySliceNobodyReachesAnybody) {
  build(eight_hosts(), 2);
  for (std::uint32_t to = 1; to < 8; ++to) EXPECT_FALSE(udp(0, to)) << "h" << to;
}

TEST_F(LinuxFabric, SlicesReachThemselvesAndNobodyElse) {
  build(eight_hosts(), 2);
  const Applied applied = apply({slice_one(), slice_two()});
  EXPECT_TRUE(applied.report.differences.empty()) << text(applied.report);
  EXPECT_EQ(applied.report.pairs, 24U);            // 2 slices of 4 hosts
  EXPECT_EQ(applied.report.negative_probes, 64U);  // 4 leaves by 4, both ways, for both
  for (const auto* mine : {one, two})
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 4; ++j) {
        if (i == j) continue;
        EXPECT_TRUE(udp(mine[i], mine[j])) << mine[i] << " to " << mine[j];
      }
  EXPECT_TRUE(tcp(0, 7));
  EXPECT_TRUE(tcp(2, 5));
  for (const std::uint32_t from : one)
    for (const std::uint32_t to : two) {
      EXPECT_FALSE(udp(from, to)) << from << " to " << to;
      EXPECT_FALSE(udp(to, from)) << to << " to " << from;
    }
}

}  // namespace
}  // namespace weft::test
