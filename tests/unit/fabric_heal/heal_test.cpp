// Healing: the least disturbing way is found, and what comes out is legal (or says that it is not).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "broker/fabric/heal/heal.hpp"
#include "broker/fabric/simulate/checker.hpp"
#include "broker/fabric/tree/allocator.hpp"

namespace weft::broker::fabric {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Cut leaf_link(std::uint32_t leaf, std::uint32_t i) {
  Cut out;
  out.leaves.push_back({leaf, 0, std::uint64_t{1} << i});
  return out;
}
Cut one_host(std::uint32_t leaf, std::uint32_t slot) {
  Cut out;
  out.leaves.push_back({leaf, std::uint64_t{1} << slot, 0});
  return out;
}

std::uint32_t low(std::uint64_t mask) { return static_cast<std::uint32_t>(std::countr_zero(mask)); }

const Tree small{4, 4, 1, 4, 1};

TEST(Heal, AnotherLinkIsTakenAndNoHostMoves) {
  Masks masks(small);
  const Cut slice = *Allocator(Policy::jigsaw).cut(masks, 6);  // 4 + 2, two links each
  ASSERT_EQ(slice.leaves.size(), 2U);
  masks.shield(leaf_link(slice.leaves[0].leaf, low(slice.leaves[0].up)));
  const auto healed = heal(masks, slice);
  ASSERT_TRUE(healed);
  EXPECT_EQ(healed->how, Healing::links);
  EXPECT_THAT(healed->left, IsEmpty());
  EXPECT_THAT(healed->came, IsEmpty());
  EXPECT_EQ(illegal(small, healed->cut), "");
  EXPECT_EQ(healed->cut.leaves[0].up & ~masks.leaf_up(healed->cut.leaves[0].leaf), 0U);
  // As many links as can be are kept.
  EXPECT_EQ(count(healed->cut.leaves[0].up & slice.leaves[0].up), 1U);
  EXPECT_EQ(healed->cut.leaves[0].up, healed->cut.leaves[1].up);
}

TEST(Heal, NothingFailedChangesNothing) {
  for (const std::uint32_t n : {3U, 6U, 13U, 16U}) {
    Masks masks(small);
    const Cut slice = *Allocator(Policy::jigsaw).cut(masks, n);
    const auto healed = heal(masks, slice);
    ASSERT_TRUE(healed);
    EXPECT_EQ(healed->how, Healing::links);
    EXPECT_EQ(healed->cut, slice);
  }
}

TEST(Heal, ADeadHostIsReplacedOnItsLeaf) {
  Masks masks(small);
  const Cut slice = *Allocator(Policy::jigsaw).cut(masks, 6);
  const Cut::Leaf first = slice.leaves[1];  // 2 of its 4 hosts
  ASSERT_EQ(count(first.hosts), 2U);
  masks.shield(one_host(first.leaf, low(first.hosts)));
  const auto healed = heal(masks, slice);
  ASSERT_TRUE(healed);
  EXPECT_EQ(healed->how, Healing::hosts);
  EXPECT_THAT(healed->left, ElementsAre(first.leaf * 4 + low(first.hosts)));
  EXPECT_THAT(healed->came, ElementsAre(first.leaf * 4 + low(~first.hosts & 15)));
  EXPECT_EQ(illegal(small, healed->cut), "");
}

TEST(Heal, ADeadHostOfAFullLeafMovesThatLeaf) {
  Masks masks(small);
  const Cut slice = *Allocator(Policy::jigsaw).cut(masks, 6);
  const Cut::Leaf full = slice.leaves[0];
  ASSERT_EQ(count(full.hosts), 4U);
  masks.shield(one_host(full.leaf, 2));
  const auto healed = heal(masks, slice);
  ASSERT_TRUE(healed);
  EXPECT_EQ(healed->how, Healing::hosts);
  EXPECT_EQ(healed->left.size(), 4U);
  EXPECT_EQ(healed->cut.leaves[1].hosts, slice.leaves[1].hosts);
  EXPECT_EQ(illegal(small, healed->cut), "");
}

TEST(Heal, ALeafWithoutAllItsLinksMovesIfOneIsFree) {
  Masks masks(small);
  const Cut slice = *Allocator(Policy::jigsaw).cut(masks, 8);  // 4 + 4, all uplinks
  ASSERT_EQ(slice.leaves.size(), 2U);
  masks.shield(leaf_link(slice.leaves[1].leaf, 2));
  const auto healed = heal(masks, slice);
  ASSERT_TRUE(healed);
  EXPECT_EQ(healed->how, Healing::hosts);
  EXPECT_EQ(healed->left.size(), 4U);
  EXPECT_EQ(healed->cut.leaves[0], slice.leaves[0]);
  EXPECT_EQ(illegal(small, healed->cut), "");
}

TEST(Heal, WithNowhereToGoItRunsOnFewerLinks) {
  Masks masks(small);
  const Cut slice = *Allocator(Policy::jigsaw).cut(masks, 16);
  masks.shield(leaf_link(1, 3));
  const auto healed = heal(masks, slice);
  ASSERT_TRUE(healed);
  EXPECT_EQ(healed->how, Healing::fewer);
  EXPECT_THAT(healed->left, IsEmpty());
  EXPECT_NE(illegal(small, healed->cut), "");  // and so must be said
  EXPECT_EQ(count(healed->cut.leaves[1].up), 3U);
}

TEST(Heal, TheRemainderLeafFollowsTheSurvivingLinks) {
  // 13 = 4 + 4 + 4 + 1; the one host's link is to an L2 switch that a full leaf loses.
  Masks masks(small);
  const Cut slice = *Allocator(Policy::jigsaw).cut(masks, 13);
  ASSERT_EQ(slice.leaves.size(), 4U);
  const auto rest = std::ranges::min_element(
      slice.leaves, {}, [](const Cut::Leaf& leaf) { return count(leaf.hosts); });
  const auto full = std::ranges::find_if(
      slice.leaves, [](const Cut::Leaf& leaf) { return count(leaf.hosts) == 4; });
  masks.shield(leaf_link(full->leaf, low(rest->up)));
  const auto healed = heal(masks, slice);
  ASSERT_TRUE(healed);
  EXPECT_EQ(healed->how, Healing::fewer);
  const auto rest_now = std::ranges::find(healed->cut.leaves, rest->leaf, &Cut::Leaf::leaf);
  EXPECT_NE(rest_now->up, rest->up);
  EXPECT_EQ(count(rest_now->up), 1U);
}

TEST(Heal, ALeafThatIsCutOffMovesTheWholeSlice) {
  // Two pods of radix 8; the slice is two whole leaves, its pod has no third leaf free.
  const Tree tree = tree_of_radix(8);
  Masks masks(tree);
  const Cut slice = *Allocator(Policy::jigsaw).cut(masks, 8);
  const std::uint32_t pod = tree.pod_of(slice.leaves[0].leaf);
  for (std::uint32_t l = pod * 4; l < pod * 4 + 4; ++l)
    if (std::ranges::find(slice.leaves, l, &Cut::Leaf::leaf) == slice.leaves.end())
      for (std::uint32_t slot = 0; slot < 4; ++slot) masks.shield(one_host(l, slot));
  for (std::uint32_t i = 0; i < 4; ++i) masks.shield(leaf_link(slice.leaves[0].leaf, i));
  const auto healed = heal(masks, slice);
  ASSERT_TRUE(healed);
  EXPECT_EQ(healed->how, Healing::whole);
  EXPECT_EQ(healed->left.size(), 8U);
  EXPECT_EQ(illegal(tree, healed->cut), "");
}

// Random slices on a busy tree, random failures: never anything that is not free; legal unless it
// says `fewer`; the same answer twice; no host moves where other links would do.
TEST(Heal, RandomFailures) {
  for (const Tree& tree : {small, tree_of_radix(8), Tree{6, 5, 3, 6, 5}}) {
    std::mt19937_64 random(7);
    std::vector<std::uint32_t> how(4);
    for (int round = 0; round < 3'000; ++round) {
      Masks masks(tree);
      Allocator allocator(Policy::jigsaw);
      std::vector<Cut> cuts;
      for (int i = 0; i < 6; ++i)
        if (auto cut = allocator.cut(
                masks, static_cast<std::uint32_t>(1 + random() % (tree.hosts() / 2)))) {
          masks.take(*cut);
          cuts.push_back(*cut);
        }
      const Cut slice = cuts[random() % cuts.size()];
      masks.give_back(slice);
      bool died = false;
      for (std::uint64_t failures = 1 + random() % 3; failures > 0; --failures) {
        const auto& leaf = slice.leaves[random() % slice.leaves.size()];
        const std::uint64_t kind = random() % 8;
        if (kind == 0) {
          masks.shield(one_host(leaf.leaf, low(leaf.hosts)));
          died = true;
        }
        if (kind > 4 && !slice.l2.empty()) {
          const auto& l2 = slice.l2[random() % slice.l2.size()];
          Cut link;
          link.l2.push_back({l2.l2, std::uint64_t{1} << low(l2.up)});
          masks.shield(link);
        } else if (kind > 0 && leaf.up != 0) {
          masks.shield(leaf_link(leaf.leaf, low(leaf.up)));
        }
      }
      const auto healed = heal(masks, slice);
      if (!healed) continue;
      ++how[static_cast<std::size_t>(healed->how)];
      EXPECT_EQ(healed->cut, heal(masks, slice)->cut);
      EXPECT_EQ(healed->cut.hosts(), slice.hosts());
      EXPECT_EQ(healed->left.size(), healed->came.size());
      Masks after = masks;
      after.take(healed->cut);  // stops if something of it is not free
      if (healed->how != Healing::fewer) {
        EXPECT_EQ(illegal(tree, healed->cut), "");
      }
      if (healed->how == Healing::links || (healed->how == Healing::fewer && !died)) {
        EXPECT_EQ(healed->left.size(), std::size_t{0}) << to_string(healed->how);
      }
    }
    EXPECT_GT(how[0], 100U);
    EXPECT_GT(how[1], 100U);
    EXPECT_GT(how[2], 10U);
  }
}

}  // namespace
}  // namespace weft::broker::fabric
