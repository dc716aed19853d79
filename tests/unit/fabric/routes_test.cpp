// The table rule, compared with its text, and what it does for those that are in no slice.
#include "broker/fabric/routes/routes.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/fabric/random_state.hpp"

namespace weft::broker::fabric {
namespace {

std::vector<Placed> placed_in(const RandomState& state) {
  std::vector<Placed> out;
  for (const Cut& cut : state.slices()) out.push_back({out.size() + 1, cut, 0});
  return out;
}

std::vector<std::uint32_t> members(std::uint64_t set) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i < 64; ++i)
    if ((set >> i & 1) != 0) out.push_back(i);
  return out;
}

// S and S* of one slice by leaf and L2, and its ranks, as docs/specs/005-slices.md names them.
struct RuleSlice {
  RuleSlice(const Tree& tree, const Cut& cut)
      : S(tree.leaves()), S_star(tree.l2()), rho(tree.leaves()) {
    for (std::uint32_t l = 0; l < cut.leaves.size(); ++l) {
      S[cut.leaves[l].leaf] = cut.leaves[l].up;
      rho[cut.leaves[l].leaf] = l;
      for (const std::uint32_t slot : members(cut.leaves[l].hosts))
        hosts.push_back(cut.leaves[l].leaf * tree.hosts_per_leaf + slot);
    }
    for (const Cut::L2& l2 : cut.l2) S_star[l2.l2] = l2.up;
  }
  std::uint32_t kappa(const Tree& tree, std::uint32_t host) const {
    std::uint32_t rank = 0;
    for (const std::uint32_t h : hosts)
      rank += h / tree.hosts_per_leaf == host / tree.hosts_per_leaf && h < host ? 1 : 0;
    return rank;
  }
  std::vector<std::uint64_t> S, S_star;
  std::vector<std::uint32_t> rho, hosts;
};

void expect_the_rule(const Tree& tree, const Routes& routes, const RuleSlice& slice,
                     std::uint32_t from, std::uint32_t to) {
  const std::uint32_t a = from / tree.hosts_per_leaf, b = to / tree.hosts_per_leaf;
  if (a == b) return;
  const std::uint32_t p = tree.pod_of(a), q = tree.pod_of(b);
  std::vector<std::uint32_t> X = members(slice.S[a] & slice.S[b]);
  if (p != q)
    std::erase_if(X, [&](std::uint32_t i) {
      return slice.S_star[p * tree.l2_per_pod + i] == 0 ||
             slice.S_star[q * tree.l2_per_pod + i] == 0;
    });
  ASSERT_FALSE(X.empty());
  const std::uint32_t i = X[slice.kappa(tree, to) % X.size()];
  EXPECT_EQ(routes.next({Tier::leaf, a}, to), (Hop{Hop::Way::up, i}));
  if (p == q) return;
  const auto Y =
      members(slice.S_star[p * tree.l2_per_pod + i] & slice.S_star[q * tree.l2_per_pod + i]);
  ASSERT_FALSE(Y.empty());
  EXPECT_EQ(routes.next({Tier::l2, p * tree.l2_per_pod + i}, to),
            (Hop{Hop::Way::up, Y[slice.rho[b] % Y.size()]}));
}

TEST(Routes, FollowTheTableRule) {
  for (const Tree& tree : {tree_of_radix(8), tree_of_radix(8, 2), Tree{3, 3, 4, 3, 4}})
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      RandomState state(tree, {Policy::weft, Policy::jigsaw, Policy::laas, Policy::ta},
                        tree.hosts(), seed);
      for (int i = 0; i < 60; ++i) state.step();
      const auto placed = placed_in(state);
      const Masks present(tree);
      const Routes routes(present, placed);
      for (std::size_t s = 0; s < placed.size(); ++s) {
        const RuleSlice slice(tree, placed[s].cut);
        for (const std::uint32_t from : slice.hosts) {
          EXPECT_EQ(routes.slice_of(from), s);
          for (const std::uint32_t to : slice.hosts)
            if (from != to) expect_the_rule(tree, routes, slice, from, to);
        }
      }
    }
}

// Walks up and then down; the host that it ends at, or nothing where some switch has no way.
std::optional<std::uint32_t> arrives(const Tree& tree, const Masks& present, const Routes& routes,
                                     std::uint32_t leaf, std::uint32_t host) {
  const auto there = [](std::uint64_t mask, std::uint32_t port) { return (mask >> port & 1) != 0; };
  Hop hop = routes.next({Tier::leaf, leaf}, host);
  if (hop.way == Hop::Way::up) {
    std::uint32_t l2 = tree.pod_of(leaf) * tree.l2_per_pod + hop.port;
    EXPECT_TRUE(there(present.leaf_up(leaf), hop.port));
    hop = routes.next({Tier::l2, l2}, host);
    if (hop.way == Hop::Way::up) {
      EXPECT_TRUE(there(present.l2_up(l2), hop.port));
      const std::uint32_t i = l2 % tree.l2_per_pod, j = hop.port;
      hop = routes.next({Tier::spine, i * tree.spines_per_l2 + j}, host);
      if (hop.way == Hop::Way::none) return std::nullopt;
      EXPECT_EQ(hop.way, Hop::Way::down) << "a spine";
      l2 = hop.port * tree.l2_per_pod + i;
      EXPECT_TRUE(there(present.l2_up(l2), j));
      hop = routes.next({Tier::l2, l2}, host);
    }
    if (hop.way == Hop::Way::none) return std::nullopt;
    EXPECT_EQ(hop.way, Hop::Way::down) << "an L2 switch";
    leaf = l2 / tree.l2_per_pod * tree.leaves_per_pod + hop.port;
    EXPECT_TRUE(there(present.leaf_up(leaf), l2 % tree.l2_per_pod));
    hop = routes.next({Tier::leaf, leaf}, host);
  }
  if (hop.way == Hop::Way::none) return std::nullopt;
  EXPECT_EQ(hop.way, Hop::Way::down) << "its leaf";
  return leaf * tree.hosts_per_leaf + hop.port;
}

// By links alone: a common L2 switch, or a common spine.
bool connected(const Tree& tree, const Masks& present, std::uint32_t a, std::uint32_t b) {
  const std::uint32_t p = tree.pod_of(a), q = tree.pod_of(b);
  for (const std::uint32_t i : members(present.leaf_up(a) & present.leaf_up(b)))
    if (p == q || (present.l2_up(p, i) & present.l2_up(q, i)) != 0) return true;
  return a == b;
}

// What manages the fabric gets from every leaf to every host that links lead to, in a slice or not,
// also when links are missing; and where none leads there is no row, so nothing goes round.
TEST(Routes, LeadEverywhereThatLinksDo) {
  std::mt19937_64 random(4);
  std::uint64_t reached = 0, cut_off = 0;
  for (const Tree& tree : {tree_of_radix(4), tree_of_radix(8, 2), Tree{2, 3, 3, 2, 2}})
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      RandomState state(tree, {Policy::jigsaw}, tree.hosts(), seed);
      for (int i = 0; i < 40; ++i) state.step();
      const auto placed = placed_in(state);
      // Some of the links that no slice has are missing.
      Masks present(tree);
      Cut missing;
      for (std::uint32_t leaf = 0; leaf < tree.leaves(); ++leaf)
        missing.leaves.push_back({leaf, 0, state.masks().leaf_up(leaf) & random()});
      for (std::uint32_t l2 = 0; l2 < tree.l2(); ++l2)
        missing.l2.push_back({l2, state.masks().l2_up(l2) & random()});
      if (seed % 2 == 1) present.take(missing);
      const Routes routes(present, placed);
      for (std::uint32_t leaf = 0; leaf < tree.leaves(); ++leaf)
        for (std::uint32_t host = 0; host < tree.hosts(); ++host) {
          const auto end = arrives(tree, present, routes, leaf, host);
          const bool linked = connected(tree, present, leaf, host / tree.hosts_per_leaf);
          EXPECT_EQ(end.has_value(), linked) << leaf << " to " << host;
          if (end) {
            EXPECT_EQ(*end, host);
          }
          ++(linked ? reached : cut_off);
        }
    }
  EXPECT_GT(reached, 1000U);
  EXPECT_GT(cut_off, 100U);
}

// A switch that is on no path to a host has no row for it.
TEST(Routes, HaveNoRowWhereNoLinkLeads) {
  const Tree tree = tree_of_radix(4);
  Masks present(tree);
  present.take({Shape::any, 0, {{0, 0, 0b10}}, {{2, 0b11}}});  // leaf 0 - L2 1; L2 0 of pod 1
  const Routes routes(present, {});
  for (std::uint32_t pod = 0; pod < tree.pods; ++pod) {
    EXPECT_EQ(routes.next({Tier::l2, pod * 2 + 1}, 0), Hop{}) << "L2 1 of pod " << pod;
    EXPECT_EQ(routes.next({Tier::l2, pod * 2}, 0) == Hop{}, pod == 1) << "L2 0 of pod " << pod;
  }
  EXPECT_EQ(routes.next({Tier::spine, 0}, 4), Hop{}) << "to pod 1";
  EXPECT_NE(routes.next({Tier::spine, 2}, 4), Hop{});
}

}  // namespace
}  // namespace weft::broker::fabric
