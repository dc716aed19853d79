// The allocator against a brute force over all placements: on small fabrics in random states, for
// every policy and every size, it grants exactly what the policy's shapes have room for, every
// grant has a place in the table, and a refusal gives the right reason. WEFT_FABRIC_STATES: how
// many states (a soak sets more).
#include "tests/unit/fabric/brute_force.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <map>
#include <optional>

#include "broker/fabric/simulate/checker.hpp"
#include "tests/unit/fabric/random_state.hpp"
#include "tests/unit/fabric/small_trees.hpp"

namespace weft::broker::fabric {
namespace {

using brute::Room;

bool has(std::uint64_t sizes, std::uint32_t n) { return (sizes >> n & 1) != 0; }
std::uint32_t whole_leaves(const Tree& tree, std::uint32_t n) {
  return (n + tree.hosts_per_leaf - 1) / tree.hosts_per_leaf * tree.hosts_per_leaf;
}

// What a policy may use, as docs/specs/005-slices.md says: does `room` have a place for n hosts?
struct BruteRule {
  Policy policy;
  bool (*placeable)(const Tree& tree, const Room& room, std::uint32_t n);
  // Whether slices own links and must have a legal shape; and may be larger than asked for.
  bool owns_links, rounds_up;
  bool knows_more = false;  // shapes beyond `placeable`: E, judged by the referee and by search
};
const BruteRule brute_rules[] = {
    {Policy::baseline,
     [](const Tree&, const Room& room, std::uint32_t n) { return room.hosts >= n; }, false, false},
    {Policy::ta,
     [](const Tree& tree, const Room& room, std::uint32_t n) {
       if (n <= tree.hosts_per_leaf) return has(room.leaf, n);
       if (n <= tree.hosts_per_leaf * tree.leaves_per_pod) return has(room.owned_in_pod, n);
       return has(room.owned_in_pods, n);
     },
     true, false},
    {Policy::laas,
     [](const Tree& tree, const Room& room, std::uint32_t n) {
       return has(room.leaf | room.pod, n) || has(room.pods, whole_leaves(tree, n));
     },
     true, true},
    {Policy::weft,
     [](const Tree&, const Room& room, std::uint32_t n) {
       return has(room.leaf | room.pod | room.pods, n);
     },
     true, false, true},
    {Policy::jigsaw,
     [](const Tree&, const Room& room, std::uint32_t n) {
       return has(room.leaf | room.pod | room.pods, n);
     },
     true, false},
};

struct Tally {
  std::uint64_t states = 0, decisions = 0, granted = 0;
  std::map<std::pair<Policy, Refusal>, std::uint64_t> refused;
  std::map<std::pair<Policy, Shape>, std::uint64_t> shapes;
};

// One state, every policy, every size and one too many.
class BruteState {
 public:
  BruteState(const Masks& masks, Tally& tally)
      : masks_(masks), tree_(masks.tree()), free_(masks), tally_(tally) {
    rooms_[0] = brute::room(free_);
    ++tally_.states;
  }

  void check(const BruteRule& rule) {
    Allocator allocator(rule.policy);
    for (std::uint32_t n = 1; n <= rooms_[0]->hosts + 1; ++n) {
      ++tally_.decisions;
      const auto cut = allocator.cut(masks_, n);
      const bool placeable = rule.placeable(tree_, *rooms_[0], n);
      const bool expected_cut = placeable || (rule.knows_more && cut.has_value());
      EXPECT_EQ(cut.has_value(), expected_cut) << where(rule, n);
      if (cut) {
        ++tally_.granted;
        ++tally_.shapes[{rule.policy, cut->shape}];
        granted(rule, n, *cut);
      } else {
        const Refusal why = allocator.why(masks_, n);
        ++tally_.refused[{rule.policy, why}];
        if (rule.knows_more && rooms_[0]->hosts >= n) continue;  // of shapes that are not in Room
        EXPECT_EQ(to_string(why), to_string(expected(rule, n))) << where(rule, n);
      }
    }
  }

 private:
  std::string where(const BruteRule& rule, std::uint32_t n) const {
    return fmt::format("{} of {}: {}", n, to_string(rule.policy), brute::describe(free_));
  }

  const Room& with_free_links(bool spine_links_too) {
    auto& room = rooms_[spine_links_too ? 2 : 1];
    if (!room) room = brute::room(brute::with_free_links(free_, spine_links_too));
    return *room;
  }

  Refusal expected(const BruteRule& rule, std::uint32_t n) {
    if (rooms_[0]->hosts < n) return Refusal::hosts;
    if (!rule.placeable(tree_, with_free_links(true), n)) return Refusal::shape;
    return rule.placeable(tree_, with_free_links(false), n) ? Refusal::leaf_links
                                                            : Refusal::spine_links;
  }

  void granted(const BruteRule& rule, std::uint32_t n, const Cut& cut) {
    EXPECT_EQ(cut.asked, n);
    Masks left = masks_;
    left.take(cut);  // stops the program if anything in it was taken
    const bool rounded = rule.rounds_up && cut.shape == Shape::pods;
    EXPECT_EQ(cut.hosts(), rounded ? whole_leaves(tree_, n) : n) << where(rule, n);
    if (!rule.owns_links) {
      EXPECT_EQ(cut.leaf_links() + cut.spine_links(), 0U) << where(rule, n);
      return;
    }
    EXPECT_EQ(illegal(tree_, cut), "") << where(rule, n);
    // Its own elements and no others are a place of its shape.
    const brute::Free own(tree_, cut);
    std::optional<brute::Links> links;
    switch (cut.shape) {
      case Shape::leaf: links = brute::as_leaf(own.hosts); break;
      case Shape::pod: links = brute::as_pod(own, own.hosts); break;
      case Shape::pods: links = brute::as_pods(own, own.hosts); break;
      case Shape::owned: links = brute::as_owned(own, own.hosts); break;
      case Shape::stubs:
      case Shape::stubs_of_pods: return;
      case Shape::any: break;
    }
    ASSERT_TRUE(links.has_value()) << where(rule, n);
    EXPECT_EQ(links->leaf, cut.leaf_links()) << where(rule, n);
    EXPECT_EQ(links->spine, cut.spine_links()) << where(rule, n);
  }

  const Masks& masks_;
  const Tree& tree_;
  brute::Free free_;
  Tally& tally_;
  std::array<std::optional<Room>, 3> rooms_;  // as it is; leaf links free; all links free
};

std::uint64_t states_wanted() {
  const char* wanted = std::getenv("WEFT_FABRIC_STATES");
  return wanted == nullptr ? 20'000 : std::strtoull(wanted, nullptr, 10);
}

// At most 16 hosts.
Tree random_tree(std::mt19937_64& random) {
  for (;;) {
    const auto of = [&](std::uint32_t n) { return static_cast<std::uint32_t>(1 + random() % n); };
    const Tree tree{of(5), of(5), of(6), of(5), of(4)};
    if (tree.hosts() >= 4 && tree.hosts() <= 16 && tree.leaves() <= 12) return tree;
  }
}

TEST(BruteForce, AgreesWithTheAllocator) {
  constexpr std::uint64_t steps = 40;
  const std::vector<Policy> mixes[] = {
      {Policy::jigsaw},
      {Policy::weft},
      {Policy::laas, Policy::jigsaw, Policy::ta},
      {Policy::baseline, Policy::ta, Policy::laas, Policy::jigsaw}};
  Tally tally;
  std::mt19937_64 random(1);
  for (std::uint64_t life = 0; tally.states < states_wanted() && !HasFailure(); ++life) {
    const std::size_t known = std::size(small_trees);
    const Tree tree = life % 2 == 0 ? small_trees[life / 2 % known] : random_tree(random);
    RandomState state(tree, mixes[life % std::size(mixes)], tree.hosts(), life);
    for (std::uint64_t i = 0; i < steps && !HasFailure(); ++i) {
      state.step();
      // As it is, or with more of it taken: that makes it search.
      const Masks masks = i % 2 == 0 ? state.masks() : state.thinned();
      BruteState now(masks, tally);
      for (const BruteRule& rule : brute_rules) now.check(rule);
    }
  }
  fmt::print("{} states, {} decisions, {} granted\n", tally.states, tally.decisions, tally.granted);
  for (const auto& [key, n] : tally.refused)
    fmt::print("  {} refused for {}: {}\n", to_string(key.first), to_string(key.second), n);
  for (const auto& [key, n] : tally.shapes)
    fmt::print("  {} granted shape {}: {}\n", to_string(key.first), static_cast<int>(key.second),
               n);
  // Nothing above was empty: each reason and each shape came up.
  for (const Policy policy : {Policy::ta, Policy::laas, Policy::jigsaw})
    for (const Refusal why :
         {Refusal::hosts, Refusal::shape, Refusal::leaf_links, Refusal::spine_links})
      EXPECT_GT((tally.refused[{policy, why}]), 0U) << to_string(policy) << to_string(why);
  for (const Shape shape : {Shape::leaf, Shape::pod, Shape::pods})
    EXPECT_GT((tally.shapes[{Policy::jigsaw, shape}]), 0U);
}

}  // namespace
}  // namespace weft::broker::fabric
