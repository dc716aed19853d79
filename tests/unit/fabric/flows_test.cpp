// What the table rule promises of a slice's traffic, and what it does not, by counting the flows on
// every directed link: docs/specs/005-slices.md. WEFT_FABRIC_STATES / 500 lives of each fabric.
#include "tests/unit/fabric/flows.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>
#include <set>

#include "tests/unit/fabric/random_state.hpp"

namespace weft::broker::fabric {
namespace {

enum class FlowKind { pod_equal, pod_remainder, pods_equal, pods_remainder, owned };
constexpr const char* kind_names[] = {"B, equal leaves", "B, remainder leaf",
                                      "C, equal leaves and pods", "C, remainder", "D"};

FlowKind kind_of(const Tree& tree, const Cut& cut) {
  std::set<std::uint32_t> on_leaf, in_pod;
  std::map<std::uint32_t, std::uint32_t> pods;
  for (const Cut::Leaf& leaf : cut.leaves) {
    on_leaf.insert(count(leaf.hosts));
    ++pods[tree.pod_of(leaf.leaf)];
  }
  for (const auto& [pod, leaves] : pods) in_pod.insert(leaves);
  const bool equal = on_leaf.size() == 1 && in_pod.size() == 1;
  if (cut.shape == Shape::owned) return FlowKind::owned;
  if (pods.size() == 1) return equal ? FlowKind::pod_equal : FlowKind::pod_remainder;
  return equal ? FlowKind::pods_equal : FlowKind::pods_remainder;
}

// The most flows on a link that a shift may put there. B: a full leaf sends to consecutive ranks,
// so at most one flow to full leaves and one to the remainder leaf take the same uplink; n dests of
// a leaf are at most once each the remainder leaf's. C: likewise for pods, but the remainder pod's
// own flows, of which up to four meet on a spine link, come on top of one of the full pods'.
std::uint32_t shift_bound(FlowKind kind, const Tree& tree) {
  switch (kind) {
    case FlowKind::pod_equal:
    case FlowKind::pods_equal: return 1;
    case FlowKind::pod_remainder: return 2;
    case FlowKind::pods_remainder: return 5;
    case FlowKind::owned: break;
  }
  return tree.hosts_per_leaf * tree.leaves_per_pod;  // no promise
}
// In a pod: what a leaf sends. Between pods: thrown at random, at most one flow a link on average,
// so 12 on one of some thousand links in some thousand trials has a chance of 1 in 12!, each.
std::uint32_t permutation_bound(FlowKind kind, const Tree& tree) {
  if (kind == FlowKind::pod_equal || kind == FlowKind::pod_remainder) return tree.hosts_per_leaf;
  return kind == FlowKind::owned ? tree.hosts_per_leaf * tree.leaves_per_pod : 12;
}

struct FlowRow {
  std::uint32_t slices = 0, least = UINT32_MAX, most = 0, ring = 0;
  std::map<std::uint32_t, std::uint32_t> by_leaf, by_number;  // slices by their worst shift
  double mean_least = 1e9, mean_most = 0;                     // of a slice's permutations
  std::uint32_t worst = 0;
};

class FlowCount {
 public:
  explicit FlowCount(std::uint64_t seed) : random_(seed) {}

  void add(const Tree& tree, const Routes& routes, const Cut& cut) {
    const FlowKind kind = kind_of(tree, cut);
    FlowRow& row = rows_[kind];
    ++row.slices;
    row.least = std::min(row.least, cut.hosts());
    row.most = std::max(row.most, cut.hosts());
    Flows by_leaf(tree, routes, cut, ranks_by_leaf(tree, cut));
    Flows by_number(tree, routes, cut, ranks_by_number(tree, cut));
    ASSERT_EQ(by_leaf.problem() + by_number.problem(), "");
    row.ring = std::max({row.ring, by_leaf.worst_of_shift(1), by_number.worst_of_shift(1)});
    EXPECT_LE(row.ring, 1U) << kind_names[static_cast<int>(kind)];
    shifts(kind, tree, by_leaf, row.by_leaf);
    shifts(kind, tree, by_number, row.by_number);
    permutations(kind, tree, by_leaf, row);
  }
  const FlowRow& row(FlowKind kind) { return rows_[kind]; }

  void print() const {
    const auto text = [](const std::map<std::uint32_t, std::uint32_t>& slices_by_worst) {
      std::string out;
      for (const auto& [worst, slices] : slices_by_worst)
        out += fmt::format("{}{} in {}", out.empty() ? "" : ", ", worst, slices);
      return out;
    };
    fmt::print(
        "| shape | slices (hosts) | ring | worst shift, ranks by leaf | ranks by host number | "
        "random permutations, mean | worst |\n|---|---|---|---|---|---|---|\n");
    for (const auto& [kind, row] : rows_)
      fmt::print("| {} | {} ({} to {}) | {} | {} | {} | {:.1f} to {:.1f} | {} |\n",
                 kind_names[static_cast<int>(kind)], row.slices, row.least, row.most, row.ring,
                 text(row.by_leaf), text(row.by_number), row.mean_least, row.mean_most, row.worst);
  }

 private:
  void shifts(FlowKind kind, const Tree& tree, Flows& flows,
              std::map<std::uint32_t, std::uint32_t>& slices_by_worst) {
    std::uint32_t worst = 0;
    for (std::uint32_t by = 1; by < flows.ranks(); ++by)
      worst = std::max(worst, flows.worst_of_shift(by));
    EXPECT_LE(worst, shift_bound(kind, tree)) << kind_names[static_cast<int>(kind)];
    ++slices_by_worst[worst];
  }

  void permutations(FlowKind kind, const Tree& tree, Flows& flows, FlowRow& row) {
    constexpr std::uint32_t tries = 50;
    std::vector<std::uint32_t> to(flows.ranks());
    std::iota(to.begin(), to.end(), 0);
    std::uint32_t sum = 0;
    for (std::uint32_t i = 0; i < tries; ++i) {
      for (std::size_t k = to.size(); k > 1; --k) std::swap(to[k - 1], to[random_() % k]);
      const std::uint32_t load = flows.worst(to);
      sum += load;
      row.worst = std::max(row.worst, load);
    }
    row.mean_least = std::min(row.mean_least, static_cast<double>(sum) / tries);
    row.mean_most = std::max(row.mean_most, static_cast<double>(sum) / tries);
    EXPECT_LE(row.worst, permutation_bound(kind, tree)) << kind_names[static_cast<int>(kind)];
  }

  std::mt19937_64 random_;
  std::map<FlowKind, FlowRow> rows_;
};

void add_all(FlowCount& count, const Tree& tree, const std::vector<Cut>& cuts) {
  std::vector<Placed> placed;
  for (const Cut& cut : cuts) placed.push_back({placed.size() + 1, cut, 0});
  const Masks present(tree);
  const Routes routes(present, placed);
  for (const Cut& cut : cuts)
    if (cut.hosts() >= 7 && cut.hosts() <= 200 && cut.leaves.size() > 1)
      count.add(tree, routes, cut);
}

TEST(Flows, RingsAndShiftsAndPermutations) {
  const char* states = std::getenv("WEFT_FABRIC_STATES");
  const std::uint64_t lives = states == nullptr ? 8 : std::strtoull(states, nullptr, 10) / 500;
  const std::vector<Policy> mixes[] = {
      {Policy::jigsaw}, {Policy::laas}, {Policy::ta}, {Policy::ta, Policy::laas, Policy::jigsaw}};
  FlowCount count(3);
  for (const std::uint32_t radix : {8U, 16U}) {
    const Tree tree = tree_of_radix(radix);
    const std::uint32_t most = std::min(tree.hosts(), 200U);
    for (std::uint32_t hosts = 7; hosts <= most; hosts += 3)  // each alone on an empty fabric
      add_all(count, tree, {*Allocator(Policy::jigsaw).cut(Masks(tree), hosts)});
    for (std::uint32_t hosts = tree.hosts_per_leaf; hosts <= most; hosts += tree.hosts_per_leaf)
      add_all(count, tree, {*Allocator(Policy::jigsaw).cut(Masks(tree), hosts)});
    for (std::uint64_t life = 0; life < lives && !HasFailure(); ++life) {
      RandomState state(tree, mixes[life % std::size(mixes)], most, life);
      for (int i = 0; i < 80; ++i) state.step();
      add_all(count, tree, state.slices());
      for (int i = 0; i < 40; ++i) state.step();
      add_all(count, tree, state.slices());
    }
  }
  count.print();
  for (const FlowKind kind : {FlowKind::pod_equal, FlowKind::pod_remainder, FlowKind::pods_equal,
                              FlowKind::pods_remainder, FlowKind::owned})
    EXPECT_GE(count.row(kind).slices, 10U) << kind_names[static_cast<int>(kind)];
}

// The counter on a case by hand: three leaves of two hosts and two uplinks each.
TEST(Flows, TheCounterCounts) {
  const Tree tree{2, 3, 1, 2, 1};
  const std::vector<Placed> placed{{1, {Shape::pod, 6, {{0, 3, 3}, {1, 3, 3}, {2, 3, 3}}, {}}, 0}};
  const Masks present(tree);
  const Routes routes(present, placed);
  Flows flows(tree, routes, placed[0].cut, ranks_by_leaf(tree, placed[0].cut));
  EXPECT_EQ(flows.problem(), "");
  EXPECT_EQ(flows.worst({0, 1, 2, 3, 4, 5}), 0U) << "nobody sends";
  EXPECT_EQ(flows.worst({1, 0, 3, 2, 5, 4}), 0U) << "inside leaves";
  EXPECT_EQ(flows.worst({2, 3, 4, 5, 0, 1}), 1U) << "leaf to leaf";
  // Ranks 0 and 1, of one leaf, send to the first host of the two others: by the same uplink.
  EXPECT_EQ(flows.worst({2, 4, 0, 3, 1, 5}), 2U);
  // Of a slice without the links that its routes take.
  const Cut fewer{Shape::pod, 6, {{0, 3, 1}, {1, 3, 3}, {2, 3, 3}}, {}};
  EXPECT_NE(Flows(tree, routes, fewer, ranks_by_leaf(tree, fewer)).problem(), "");
}

// What owned switches do not promise: four hosts of one leaf send to four leaves' only hosts, each
// the first of its leaf, and so by one uplink of four.
TEST(Flows, OwnedSwitchesMayMeetThemselves) {
  const Tree tree{4, 5, 1, 4, 1};
  Cut cut{Shape::owned, 8, {{0, 15, 15}}, {}};
  for (std::uint32_t leaf = 1; leaf < 5; ++leaf) cut.leaves.push_back({leaf, 1, 15});
  const std::vector<Placed> placed{{1, cut, 0}};
  const Masks present(tree);
  const Routes routes(present, placed);
  Flows flows(tree, routes, cut, ranks_by_leaf(tree, cut));
  EXPECT_EQ(flows.problem(), "");
  EXPECT_EQ(flows.worst_of_shift(1), 1U);
  EXPECT_EQ(flows.worst_of_shift(4), 4U);
}

}  // namespace
}  // namespace weft::broker::fabric
