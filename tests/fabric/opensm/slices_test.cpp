// Slices are rented, verified by reading the fabric, and returned, at three sizes.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/fabric/opensm/lab.hpp"

namespace weft::broker::lab {
namespace {

void rent_verify_return(Lab& lab, const std::vector<std::uint32_t>& sizes) {
  lab.apply_well();  // OpenSM's first sweep is over
  std::uint64_t pairs = 0;
  for (const std::uint32_t n : sizes) {
    const std::uint64_t id = lab.rent(n);
    ASSERT_NE(id, 0U) << n;
    const auto applied = lab.apply({id});
    ASSERT_TRUE(applied) << applied.error().detail;
    EXPECT_TRUE(applied->report.differences.empty()) << words(applied->report);
    EXPECT_EQ(applied->report.pairs, std::uint64_t{n} * (n - 1));
    const Phases& p = applied->phases;
    const std::int64_t ready = p.plan + p.apply + p.read_back + p.verify;
    fmt::print("{} hosts: ready in {} ms (plan {}, apply {}, read back {}, verify {})\n", n, ready,
               p.plan, p.apply, p.read_back, p.verify);
    pairs += applied->report.pairs;
  }
  const auto all = lab.verify();
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->report.differences.empty()) << words(all->report);
  EXPECT_EQ(all->report.pairs, pairs);
  EXPECT_GT(all->report.negative_probes, sizes.size());
  while (!lab.slices.empty()) {
    lab.give_back(lab.slices.back().slice);
    lab.apply_well();
  }
}

TEST(OpenSmSlices, SixteenHosts) {
  in_lab([] {
    Lab lab(tree16(), 2);
    rent_verify_return(lab, {6, 3, 5});
  });
}

TEST(OpenSmSlices, ThreeHundredAndTwentyFour) {
  in_lab([] {
    Lab lab(tree324(), 2);
    rent_verify_return(lab, {54, 36, 100, 7, 50});
  });
}

TEST(OpenSmSlices, ThousandAndTwentyFour) {
  in_lab([] {
    Lab lab(tree1024(), 3);
    rent_verify_return(lab, {64, 200, 128, 30, 100});
  });
}

}  // namespace
}  // namespace weft::broker::lab
