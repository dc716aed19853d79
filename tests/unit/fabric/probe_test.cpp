// Plans and judgements of acceptance probes, against every single bad link of a tree.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "broker/fabric/probe/judge.hpp"
#include "broker/fabric/probe/plan.hpp"

namespace weft::broker::fabric {
namespace {

TEST(ProbePlan, DistancesCoverAllOrAreSpreadEvenly) {
  EXPECT_TRUE(probe_distances(0, 64).empty());
  EXPECT_TRUE(probe_distances(1, 64).empty());
  EXPECT_EQ(probe_distances(2, 64), (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(probe_distances(5, 64), (std::vector<std::uint32_t>{1, 2, 3, 4}));
  for (const std::uint32_t nodes : {66U, 100U, 1'024U, 65'536U}) {
    const auto d = probe_distances(nodes, 64);
    ASSERT_EQ(d.size(), 64u);
    EXPECT_EQ(d.front(), 1u);
    EXPECT_LT(d.back(), nodes);
    EXPECT_TRUE(std::is_sorted(d.begin(), d.end()));
    EXPECT_EQ(std::set(d.begin(), d.end()).size(), 64u);
  }
}

TEST(ProbePlan, WhoSendsIsHeardByTheOther) {
  for (std::uint32_t n = 2; n < 9; ++n)
    for (std::uint32_t d = 1; d < n; ++d)
      for (std::uint32_t i = 0; i < n; ++i) EXPECT_EQ(hears_from(sends_to(i, d, n), d, n), i);
}

TEST(ProbeJudge, TheBarIsWhatIsExpectedOrWhatMostReach) {
  const std::vector<Way> ways{{0, 1, 100}, {1, 0, 90}, {0, 2, 30}, {2, 0, 30}};
  EXPECT_EQ(needed_bps(ways, {200, 80}), 160u);
  EXPECT_EQ(needed_bps(ways, {0, 80}), 80u) << "of the upper quarter, not lowered by the bad half";
  EXPECT_EQ(needed_bps({}, {0, 80}), 0u);
  EXPECT_EQ(needed_bps(ways, {400'000'000'000, 80}), 320'000'000'000u);
  EXPECT_EQ(below(ways, 80), (std::vector<std::size_t>{2, 3}));
  EXPECT_EQ(below(std::vector<Way>{{0, 1, 0}}, 0), (std::vector<std::size_t>{0}))
      << "nothing arrived, whatever is needed";
}

// Everything that a way uses, by walking the switches one by one.
using Step = std::tuple<int, std::uint32_t, std::uint32_t, bool>;
std::set<Step> walk(const Tree& tree, const Routes& routes, std::uint32_t from, std::uint32_t to) {
  std::set<Step> out{{0, from, 0, true}, {0, to, 0, false}};
  At at{Tier::leaf, from / tree.hosts_per_leaf};
  while (true) {
    const Hop hop = routes.next(at, to);
    if (hop.way == Hop::Way::none) {
      ADD_FAILURE() << from << " to " << to;
      return out;
    }
    if (at.tier == Tier::leaf) {
      if (hop.way == Hop::Way::down) return out;
      out.insert({1, at.index, hop.port, true});
      at = {Tier::l2, tree.pod_of(at.index) * tree.l2_per_pod + hop.port};
    } else if (at.tier == Tier::l2 && hop.way == Hop::Way::up) {
      out.insert({2, at.index, hop.port, true});
      at = {Tier::spine, at.index % tree.l2_per_pod * tree.spines_per_l2 + hop.port};
    } else if (at.tier == Tier::l2) {
      const std::uint32_t leaf = at.index / tree.l2_per_pod * tree.leaves_per_pod + hop.port;
      out.insert({1, leaf, at.index % tree.l2_per_pod, false});
      at = {Tier::leaf, leaf};
    } else {
      const std::uint32_t index = at.index / tree.spines_per_l2;
      const std::uint32_t l2 = hop.port * tree.l2_per_pod + index;
      out.insert({2, l2, at.index % tree.spines_per_l2, false});
      at = {Tier::l2, l2};
    }
  }
}

// Links count once, whichever way they are slow.
std::size_t parts_left(std::set<Step> steps, const std::set<Step>& cleared) {
  std::set<std::tuple<int, std::uint32_t, std::uint32_t>> out;
  for (const auto& step : steps)
    if (!cleared.contains(step))
      out.insert({std::get<0>(step), std::get<1>(step), std::get<2>(step)});
  return out.size();
}

std::uint32_t parts(const Cut& cut) {
  std::uint32_t n = cut.hosts();
  for (const Cut::Leaf& leaf : cut.leaves) n += count(leaf.up);
  for (const Cut::L2& l2 : cut.l2) n += count(l2.up);
  return n;
}

bool holds(const Tree& tree, const Cut& cut, const Step& step) {
  const auto& [kind, of, which, upwards] = step;
  const std::uint32_t leaf = kind == 0 ? of / tree.hosts_per_leaf : of;
  for (const Cut::Leaf& l : cut.leaves) {
    if (l.leaf != leaf) continue;
    if (kind == 0) return (l.hosts >> of % tree.hosts_per_leaf & 1) != 0;
    if (kind == 1) return (l.up >> which & 1) != 0;
  }
  for (const Cut::L2& l : cut.l2)
    if (kind == 2 && l.l2 == of) return (l.up >> which & 1) != 0;
  return false;
}

// One bad link, one way, in a tree of three levels that one slice has whole: it is always among the
// suspects, and nothing is that a good way uses in the same direction.
TEST(ProbeJudge, TheSuspectsHoldTheBadLinkAndNothingThatWorks) {
  const Tree tree{2, 2, 2, 2, 2};
  Cut cut;
  cut.shape = Shape::pods;
  for (std::uint32_t leaf = 0; leaf < tree.leaves(); ++leaf) cut.leaves.push_back({leaf, 3, 3});
  for (std::uint32_t l2 = 0; l2 < tree.l2(); ++l2) cut.l2.push_back({l2, 3});
  const Masks there(tree);
  const std::vector<Placed> slices{{1, cut, 0}};
  const Routes routes(there, slices);
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::set<Step>> used;
  std::set<Step> all;
  for (std::uint32_t a = 0; a < tree.hosts(); ++a)
    for (std::uint32_t b = 0; b < tree.hosts(); ++b)
      if (a != b) {
        used[{a, b}] = walk(tree, routes, a, b);
        all.insert(used[{a, b}].begin(), used[{a, b}].end());
      }
  for (const Step& bad : all) {
    std::vector<Way> slow, good;
    std::set<Step> touched, cleared;
    for (const auto& [way, steps] : used) {
      const bool is_slow = steps.contains(bad);
      (is_slow ? slow : good).push_back({way.first, way.second, 1});
      (is_slow ? touched : cleared).insert(steps.begin(), steps.end());
    }
    const Cut found = suspects(tree, routes, slow, good);
    EXPECT_TRUE(holds(tree, found, bad)) << std::get<0>(bad) << " " << std::get<1>(bad);
    EXPECT_EQ(parts(found), parts_left(touched, cleared));
    EXPECT_LE(parts(found), 4u) << "of " << all.size();
  }
}

TEST(ProbeJudge, ManyBadWaysWithoutAnythingInCommonAreAllSuspected) {
  const Tree tree{2, 2, 1, 2, 1};
  const Masks there(tree);
  Cut cut;
  cut.shape = Shape::pod;
  cut.leaves = {{0, 3, 3}, {1, 3, 3}};
  const std::vector<Placed> slices{{1, cut, 0}};
  const Routes routes(there, slices);
  const std::vector<Way> bad{{0, 1, 1}}, good{{0, 2, 9}, {2, 1, 9}, {1, 0, 9}};
  const Cut found = suspects(tree, routes, bad, good);
  EXPECT_EQ(found.hosts(), 2u) << "each end works with others: both are named";
}

}  // namespace
}  // namespace weft::broker::fabric
