// Plans that move running slices, on random states: what they leave is legal, nothing moves that
// need not be named, and refusals of the plain allocator are overcome often enough to be of use.
#include <gtest/gtest.h>

#include <algorithm>

#include "broker/fabric/heal/rehome.hpp"
#include "broker/fabric/simulate/checker.hpp"
#include "tests/unit/fabric/random_state.hpp"

namespace weft::broker::fabric {
namespace {

constexpr Term term{0, 100};

std::vector<Running> running_of(const RandomState& state) {
  std::vector<Running> out;
  for (const Cut& cut : state.slices()) out.push_back({cut, term});
  return out;
}

// All slices as they would stand, the new one among them, seen by the referee.
void expect_sound(const Tree& tree, const Masks& free, const std::vector<Running>& running,
                  const Rehoming& plan, std::uint32_t hosts) {
  Checker referee(tree);
  std::vector<Cut> after;
  for (const Running& r : running) after.push_back(r.cut);
  std::uint32_t moved = 0;
  Masks masks = free;
  for (const Rehoming::Move& move : plan.moves) {
    EXPECT_EQ(move.to.asked, running[move.which].cut.asked);
    EXPECT_LE(move.to.asked, hosts) << "never one that is larger than the request";
    moved += move.to.asked;
    masks.give_back(running[move.which].cut);
    after[move.which] = move.to;
  }
  EXPECT_EQ(moved, plan.moved_hosts);
  EXPECT_EQ(plan.cut.asked, hosts);
  after.push_back(plan.cut);
  for (const Cut& cut : after) {
    EXPECT_EQ(illegal(tree, cut), "");
    referee.start(cut, true);
  }
  EXPECT_EQ(referee.shared_hosts(), 0u);
  EXPECT_EQ(referee.shared_links(), 0u);
  masks.take(plan.cut);  // stops where something is not free, e.g. because it has failed
  for (const Rehoming::Move& move : plan.moves) masks.take(move.to);
}

TEST(Rehome, PlansOnRandomStatesAreSoundAndOvercomeRefusals) {
  std::uint32_t refused = 0, planned = 0;
  for (const Tree& tree : {Tree{4, 4, 1, 4, 1}, Tree{2, 2, 4, 2, 2}, Tree{4, 4, 4, 4, 4}})
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      RandomState state(tree, {Policy::weft, Policy::jigsaw}, tree.hosts() / 3, seed);
      Allocator allocator(Policy::weft);
      for (int step = 0; step < 150; ++step) {
        state.step();
        const std::uint32_t hosts = 1 + state.below(tree.hosts() / 2);
        if (state.masks().free_hosts() < hosts || allocator.cut(state.masks(), hosts)) continue;
        ++refused;
        const auto running = running_of(state);
        const auto plan = rehome(allocator, state.masks(), running, hosts, term, tree.hosts());
        if (!plan) continue;
        ++planned;
        EXPECT_FALSE(plan->moves.empty()) << "it did not fit without";
        expect_sound(tree, state.masks(), running, *plan, hosts);
        const auto cheaper =
            rehome(allocator, state.masks(), running, hosts, term, plan->moved_hosts - 1);
        EXPECT_FALSE(cheaper) << "the cheapest is found at once";
      }
    }
  EXPECT_GT(refused, 500u);
  EXPECT_GT(planned, refused / 4) << planned << " of " << refused;
}

TEST(Rehome, WhereItFitsNothingMoves) {
  const Tree tree{2, 2, 1, 2, 1};
  Masks masks(tree);
  Allocator allocator(Policy::weft);
  const auto cut = allocator.cut(masks, 1);
  masks.take(*cut);
  const std::vector<Running> running{{*cut, term}};
  const auto plan = rehome(allocator, masks, running, 2, term, 4);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->moves.empty());
  EXPECT_FALSE(rehome(allocator, masks, running, 4, term, 4)) << "three hosts are free";
}

}  // namespace
}  // namespace weft::broker::fabric
