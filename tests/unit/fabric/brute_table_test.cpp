// The brute force knows the table, and the referee (illegal()) is of its opinion.
#include <gtest/gtest.h>

#include "broker/fabric/simulate/checker.hpp"
#include "tests/unit/fabric/brute_force.hpp"
#include "tests/unit/fabric/random_state.hpp"
#include "tests/unit/fabric/small_trees.hpp"

namespace weft::broker::fabric {
namespace {

// `flips` times an element of a slice's leaves and L2 switches taken away, added, or another one
// taken in its place.
Cut with_flips(const Tree& tree, Cut cut, int flips, std::mt19937_64& random) {
  const auto bit = [&](std::uint32_t n) { return std::uint64_t{1} << random() % n; };
  const auto flip = [&](std::uint64_t& mask, std::uint32_t n) {
    mask ^= bit(n);
    if (random() % 2 == 0) mask ^= bit(n);
  };
  for (int i = 0; i < flips; ++i) {
    Cut::Leaf& leaf = cut.leaves[random() % cut.leaves.size()];
    switch (random() % 3) {
      case 0: flip(leaf.hosts, tree.hosts_per_leaf); break;
      case 1: flip(leaf.up, tree.l2_per_pod); break;
      default:
        if (!cut.l2.empty()) flip(cut.l2[random() % cut.l2.size()].up, tree.spines_per_l2);
    }
  }
  std::erase_if(cut.leaves, [](const Cut::Leaf& leaf) { return leaf.hosts == 0; });
  std::erase_if(cut.l2, [](const Cut::L2& l2) { return l2.up == 0; });
  cut.asked = cut.hosts();
  return cut;
}

bool in_the_table(const Tree& tree, const Cut& cut) {
  if (cut.leaves.empty()) return false;
  const brute::Free own(tree, cut);
  const auto exact = [&](const std::optional<brute::Links>& links) {
    return links && links->leaf == cut.leaf_links() && links->spine == cut.spine_links();
  };
  if (cut.shape == Shape::owned) return exact(brute::as_owned(own, own.hosts));
  return exact(brute::as_leaf(own.hosts)) || exact(brute::as_pod(own, own.hosts)) ||
         exact(brute::as_pods(own, own.hosts));
}

// The brute force itself, on states whose answers follow from the table by hand.
TEST(BruteForce, KnowsTheTable) {
  const Tree tree = tree_of_radix(4);  // 2 hosts a leaf, 2 leaves a pod, 4 pods
  brute::Room room = brute::room(brute::Free(Masks(tree)));
  EXPECT_EQ(room.hosts, 16U);
  EXPECT_EQ(room.leaf, 0b110U);
  EXPECT_EQ(room.pod, 0b11100U) << "2 as 1 + 1, 3 as 2 + 1, 4 as 2 + 2";
  EXPECT_EQ(room.pods, 0b1'1111'1111'1111'1000U) << "from a whole leaf and a host up, every size";
  EXPECT_EQ(room.owned_in_pods, 0b1'1111'1111'1111'1100U);
  EXPECT_EQ(room.owned_in_pod, 0b11110U);

  Masks masks(tree);
  Cut taken;  // spine 0 of L2 0 in even pods, spine 1 in odd ones: no two kinds of pod meet in tree
              // 0
  for (std::uint32_t pod = 0; pod < 4; ++pod) taken.l2.push_back({pod * 2, pod % 2 == 0 ? 1U : 2U});
  masks.take(taken);
  // From 8 on there would be two full pods of two leaves (two common spines in tree 0) or four pods
  // with one common spine there. Up to 7 one full pod does, with another of the same kind.
  room = brute::room(brute::Free(masks));
  EXPECT_EQ(room.pods, 0b1111'1000U);
  EXPECT_EQ(room.owned_in_pods, 0U);
}

// What could be routed but the table does not list (n > w2 with L = 1, L > w3 with T = 1): neither
// passes it.
TEST(BruteForce, TheTableIsTheNorm) {
  const Tree few_uplinks{3, 2, 1, 2, 1};  // n = 3 > w2; the two hosts of the other leaf fit
  const Cut pod{Shape::pod, 5, {{0, 7, 3}, {1, 3, 3}}, {}};
  EXPECT_FALSE(in_the_table(few_uplinks, pod));
  EXPECT_NE(illegal(few_uplinks, pod), "");
  const Tree few_spines{1, 2, 2, 1, 1};  // L = 2 > w3, T = 1; the remainder leaf fits
  const Cut pods{Shape::pods, 3, {{0, 1, 1}, {1, 1, 1}, {2, 1, 1}}, {{0, 1}, {1, 1}}};
  EXPECT_FALSE(in_the_table(few_spines, pods));
  EXPECT_NE(illegal(few_spines, pods), "");
}

// The referee and the brute force on slices with an element too many or too few, or two of them.
TEST(BruteForce, AgreesWithTheReferee) {
  std::uint64_t legal = 0, wrong = 0;
  std::mt19937_64 random(2);
  for (std::uint64_t life = 0; life < 2000 && !HasFailure(); ++life) {
    const Tree& tree = small_trees[life % std::size(small_trees)];
    RandomState state(tree, {Policy::ta, Policy::laas, Policy::jigsaw}, tree.hosts(), life);
    for (int i = 0; i < 20; ++i) state.step();
    for (const Cut& good : state.slices())
      for (int i = 0; i < 40; ++i) {
        const Cut bad = with_flips(tree, good, static_cast<int>(random() % 3), random);
        const bool by_table = in_the_table(tree, bad);
        EXPECT_EQ(illegal(tree, bad).empty(), by_table)
            << static_cast<int>(bad.shape) << " " << illegal(tree, bad) << " "
            << brute::describe(brute::Free(tree, bad));
        ++(by_table ? legal : wrong);
      }
  }
  EXPECT_GT(legal, 1000U);
  EXPECT_GT(wrong, 1000U);
}

}  // namespace
}  // namespace weft::broker::fabric
