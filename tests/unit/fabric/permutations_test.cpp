// What makes a slice worth its links, by search: whoever in it sends to whom, one to one, some
// routing on its own links alone carries at most one flow on each, either way. And no link is
// there without need.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bitset>
#include <map>
#include <set>
#include <tuple>

#include "broker/fabric/tree/cut.hpp"
#include "tests/unit/fabric/random_state.hpp"

namespace weft::broker::fabric {
namespace {

using Directed = std::bitset<128>;  // a set of directed links

// Routes flows over the links of one slice. At most 64 links.
class Router {
 public:
  Router(const Tree& tree, const Cut& cut) : tree_(tree), cut_(cut) {
    for (std::size_t leaf = 0; leaf < cut.leaves.size(); ++leaf)
      for (std::uint32_t n = count(cut.leaves[leaf].hosts); n > 0; --n) leaf_of_.push_back(leaf);
    for (const Cut::Leaf& leaf : cut.leaves)
      for (std::uint32_t i = 0; i < tree.l2_per_pod; ++i)
        if ((leaf.up >> i & 1) != 0) add(true, leaf.leaf, i);
    for (const Cut::L2& l2 : cut.l2)
      for (std::uint32_t j = 0; j < tree.spines_per_l2; ++j)
        if ((l2.up >> j & 1) != 0) add(false, l2.l2, j);
    const std::size_t leaves = cut.leaves.size();
    ways_.resize(leaves * leaves);
    for (std::size_t a = 0; a < leaves; ++a)
      for (std::size_t b = 0; b < leaves; ++b)
        if (a != b) ways_[a * leaves + b] = ways(cut.leaves[a].leaf, cut.leaves[b].leaf);
  }
  std::size_t hosts() const { return leaf_of_.size(); }
  std::size_t links() const { return bit_.size(); }
  mutable std::uint64_t patterns = 0;  // tried

  // to[host] is whom the host sends to, or itself. `broken`: a link that is not there.
  bool routable(const std::vector<std::size_t>& to, Directed broken = {}) const {
    ++patterns;
    return route(to, 0, broken);
  }
  static Directed both_ways(std::size_t link) { return Directed(3) << 2 * link; }

 private:
  using Name = std::tuple<bool, std::uint32_t, std::uint32_t>;  // of a leaf?, which, its uplink

  void add(bool of_leaf, std::uint32_t lower, std::uint32_t uplink) {
    bit_.emplace(Name{of_leaf, lower, uplink}, bit_.size());
    ASSERT_LE(bit_.size(), 64U);
  }
  // The directed link; nothing if the slice does not own it.
  Directed one(bool of_leaf, std::uint32_t lower, std::uint32_t uplink, bool down) const {
    const auto it = bit_.find({of_leaf, lower, uplink});
    return it == bit_.end() ? Directed() : Directed(1) << (2 * it->second + (down ? 1 : 0));
  }

  std::vector<Directed> ways(std::uint32_t from, std::uint32_t to) const {
    std::vector<Directed> out;
    const std::uint32_t p = tree_.pod_of(from), q = tree_.pod_of(to);
    for (std::uint32_t i = 0; i < tree_.l2_per_pod; ++i) {
      const Directed up = one(true, from, i, false), down = one(true, to, i, true);
      if (up.none() || down.none()) continue;
      if (p == q) out.push_back(up | down);
      for (std::uint32_t j = 0; j < tree_.spines_per_l2 && p != q; ++j) {
        const Directed high = one(false, p * tree_.l2_per_pod + i, j, false);
        const Directed low = one(false, q * tree_.l2_per_pod + i, j, true);
        if (high.any() && low.any()) out.push_back(up | high | low | down);
      }
    }
    return out;
  }

  bool route(const std::vector<std::size_t>& to, std::size_t host, Directed used) const {
    while (host < to.size() && leaf_of_[host] == leaf_of_[to[host]]) ++host;
    if (host == to.size()) return true;
    const std::size_t way = leaf_of_[host] * cut_.leaves.size() + leaf_of_[to[host]];
    for (const Directed links : ways_[way])
      if ((used & links).none() && route(to, host + 1, used | links)) return true;
    return false;
  }

  Tree tree_;
  Cut cut_;
  std::vector<std::size_t> leaf_of_;  // by host: position in the cut
  std::map<Name, std::size_t> bit_;
  std::vector<std::vector<Directed>> ways_;
};

// Calls `visit` with each permutation until it returns false.
template <class Visit>
bool each_permutation(std::size_t hosts, Visit visit) {
  std::vector<std::size_t> to(hosts);
  for (std::size_t i = 0; i < hosts; ++i) to[i] = i;
  do {
    if (!visit(to)) return false;
  } while (std::next_permutation(to.begin(), to.end()));
  return true;
}

bool every_permutation(const Router& router, Directed broken = {}) {
  return each_permutation(router.hosts(),
                          [&](const auto& to) { return router.routable(to, broken); });
}

// Some hosts silent: such a host "sends to itself", and any other may send to it too.
bool every_partial(const Router& router, std::vector<std::size_t>& to, std::uint32_t taken = 0) {
  const std::size_t host = to.size();
  if (host == router.hosts()) return router.routable(to);
  to.push_back(host);
  bool good = every_partial(router, to, taken);
  for (std::size_t other = 0; other < router.hosts() && good; ++other) {
    if (other == host || (taken >> other & 1) != 0) continue;
    to[host] = other;
    good = every_partial(router, to, taken | 1U << other);
  }
  to.pop_back();
  return good;
}

// Slices of at most 6 hosts that come up in random states; those that differ in host slots only
// count once.
std::vector<Cut> slices_that_come_up(const Tree& tree, const std::vector<Policy>& policies) {
  std::vector<Cut> out;
  std::set<std::vector<std::uint64_t>> known;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    RandomState state(tree, policies, 6, seed);
    for (int i = 0; i < 60; ++i) {
      state.step();
      for (const Cut& cut : state.slices()) {
        std::vector<std::uint64_t> key{static_cast<std::uint64_t>(cut.shape)};
        for (const auto& leaf : cut.leaves)
          key.insert(key.end(), {leaf.leaf, count(leaf.hosts), leaf.up});
        for (const auto& l2 : cut.l2) key.insert(key.end(), {~std::uint64_t{l2.l2}, l2.up});
        if (cut.hosts() <= 6 && known.insert(key).second) out.push_back(cut);
      }
    }
  }
  return out;
}

std::string words(const Cut& cut) {
  std::string out = "shape " + std::to_string(static_cast<int>(cut.shape));
  for (const auto& l : cut.leaves)
    out += " leaf " + std::to_string(l.leaf) + ": " + std::to_string(count(l.hosts)) + " up " +
           std::to_string(l.up);
  for (const auto& l : cut.l2) out += " L2 " + std::to_string(l.l2) + " up " + std::to_string(l.up);
  return out;
}

// Two whole leaves or more; with one, the reference takes all its uplinks. Owned switches are owned
// whole.
bool no_link_to_spare(const Tree& tree, const Cut& cut) {
  if (cut.shape != Shape::pods) return cut.shape == Shape::pod;
  std::size_t whole = 0;
  for (const auto& leaf : cut.leaves) whole += count(leaf.hosts) == tree.hosts_per_leaf ? 1 : 0;
  return whole >= 2;
}

TEST(Permutations, AreAllRoutableOnTheSlicesOwnLinks) {
  const std::vector<Policy> policies[] = {{Policy::ta},
                                          {Policy::laas},
                                          {Policy::jigsaw},
                                          {Policy::weft},
                                          {Policy::ta, Policy::laas, Policy::jigsaw}};
  const Tree trees[] = {
      tree_of_radix(4), tree_of_radix(4, 2), {2, 2, 3, 3, 3}, {1, 3, 3, 1, 3}, {3, 3, 2, 3, 3}};
  std::map<Shape, int> seen;
  int tight = 0;
  std::uint64_t patterns = 0;
  for (const Tree& tree : trees)
    for (const auto& mix : policies)
      for (const Cut& cut : slices_that_come_up(tree, mix)) {
        const Router router(tree, cut);
        ++seen[cut.shape];
        EXPECT_TRUE(every_permutation(router)) << words(cut);
        std::vector<std::size_t> none;
        EXPECT_TRUE(every_partial(router, none)) << words(cut);
        patterns += router.patterns;
        if (!no_link_to_spare(tree, cut)) continue;
        ++tight;
        for (std::size_t link = 0; link < router.links(); ++link)
          EXPECT_FALSE(every_permutation(router, Router::both_ways(link)))
              << "without link " << link << ": " << words(cut);
      }
  for (const Shape shape : {Shape::leaf, Shape::pod, Shape::pods, Shape::owned})
    EXPECT_GT(seen[shape], 20) << static_cast<int>(shape);
  EXPECT_GT(tight, 100);
  fmt::print("slices: {} leaf, {} pod, {} pods, {} owned; {} patterns; links tried: {} slices\n",
             seen[Shape::leaf], seen[Shape::pod], seen[Shape::pods], seen[Shape::owned], patterns,
             tight);
}

}  // namespace
}  // namespace weft::broker::fabric
