// Random states: whatever a policy grants is disjoint and legal in the referee's eyes, and the
// referee sees what is planted.
#include "broker/fabric/tree/allocator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <random>
#include <set>

#include "broker/fabric/simulate/checker.hpp"

namespace weft::broker::fabric {
namespace {

constexpr Policy all_policies[] = {Policy::weft, Policy::baseline, Policy::ta, Policy::laas,
                                   Policy::jigsaw};

// What Masks keeps beside the bits is what counting the bits gives.
void expect_counted(const Masks& masks) {
  const Tree& tree = masks.tree();
  for (std::uint32_t pod = 0; pod < tree.pods; ++pod) {
    std::uint32_t fewest = tree.spines_per_l2, hosts = 0;
    for (std::uint32_t i = 0; i < tree.l2_per_pod; ++i)
      fewest = std::min(fewest, static_cast<std::uint32_t>(std::popcount(masks.l2_up(pod, i))));
    EXPECT_EQ(masks.fewest_spines(pod), fewest) << "pod " << pod;
    for (std::uint32_t i = 0; i < tree.leaves_per_pod; ++i) {
      const std::uint32_t leaf = pod * tree.leaves_per_pod + i;
      const auto free = static_cast<std::uint32_t>(std::popcount(masks.hosts(leaf)));
      const auto up = static_cast<std::uint32_t>(std::popcount(masks.leaf_up(leaf)));
      hosts += free;
      for (std::uint32_t n = 0; n <= tree.hosts_per_leaf + 1; ++n)
        EXPECT_EQ(masks.with_hosts(pod, n) >> i & 1, free >= n ? 1U : 0U) << leaf << " " << n;
      for (std::uint32_t n = 0; n <= tree.l2_per_pod + 1; ++n)
        EXPECT_EQ(masks.with_uplinks(pod, n) >> i & 1, up >= n ? 1U : 0U) << leaf << " " << n;
    }
    EXPECT_EQ(masks.free_hosts(pod), hosts) << "pod " << pod;
  }
}

// Slices come and go; now and then elements fail while nobody owns them.
class Life {
 public:
  Life(const Tree& tree, Policy policy, std::uint64_t seed)
      : masks_(tree), referee_(tree), allocator_(policy), random_(seed), policy_(policy) {}

  void step() {
    if (!slices_.empty() && below(100) < 45) return end(below(slices_.size()));
    const Tree& tree = masks_.tree();
    const auto most = below(3) == 0 ? tree.hosts() : tree.hosts_per_leaf * 3;
    const auto n = static_cast<std::uint32_t>(1 + below(most));
    const Masks before = masks_;
    const Term term{now_, now_ + 20 + static_cast<std::int64_t>(below(3'000))};
    now_ += 10;
    const auto cut = allocator_.cut(masks_, n, term);
    if (!cut) {
      if (masks_.free_hosts() < n) {
        EXPECT_EQ(allocator_.why(masks_, n), Refusal::hosts);
      }
      return;
    }
    EXPECT_EQ(cut->asked, n);
    EXPECT_GE(cut->hosts(), n);
    if (policy_ != Policy::laas) {
      EXPECT_EQ(cut->hosts(), n);
    }
    masks_.take(*cut, term.end_s);
    EXPECT_EQ(masks_.free_hosts() + cut->hosts(), before.free_hosts());
    referee_.start(*cut, policy_ != Policy::baseline);
    slices_.push_back(*cut);
  }
  void end_all() {
    while (!slices_.empty()) end(slices_.size() - 1);
  }
  void fail_some() {
    const Tree& tree = masks_.tree();
    Cut failed;
    const auto leaf = static_cast<std::uint32_t>(below(tree.leaves()));
    failed.leaves.push_back({leaf, lowest(masks_.hosts(leaf), 1), lowest(masks_.leaf_up(leaf), 1)});
    const auto l2 = static_cast<std::uint32_t>(below(tree.l2()));
    failed.l2.push_back({l2, lowest(masks_.l2_up(l2), 1)});
    masks_.take(failed);
  }
  void expect_clean() const {
    EXPECT_EQ(referee_.shared_hosts(), 0U);
    if (policy_ != Policy::baseline) {
      EXPECT_EQ(referee_.shared_links(), 0U);
    }
    EXPECT_TRUE(referee_.problems().empty()) << referee_.problems().front();
  }
  const Masks& masks() const { return masks_; }
  const std::vector<Cut>& slices() const { return slices_; }

 private:
  void end(std::size_t i) {
    masks_.give_back(slices_[i]);
    referee_.end(slices_[i], policy_ != Policy::baseline);
    slices_.erase(slices_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  Masks masks_;
  Checker referee_;
  Allocator allocator_;
  std::mt19937_64 random_;
  Policy policy_;
  std::int64_t now_ = 0;
  std::vector<Cut> slices_;
};

TEST(Allocator, GrantsOnlyLegalDisjointSlices) {
  const Tree trees[] = {tree_of_radix(4), tree_of_radix(8), tree_of_radix(16), tree_of_radix(8, 2),
                        {4, 3, 5, 4, 3},  {3, 4, 3, 5, 2},  {1, 1, 1, 1, 1},   {64, 2, 2, 64, 64}};
  for (const Tree& tree : trees)
    for (const Policy policy : all_policies)
      for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(testing::Message()
                     << to_string(policy) << " seed " << seed << " hosts " << tree.hosts());
        Life life(tree, policy, seed);
        for (int i = 0; i < 150; ++i) life.step();
        life.expect_clean();
        expect_counted(life.masks());
        life.end_all();
        EXPECT_EQ(life.masks().free_hosts(), tree.hosts());
        for (int i = 0; i < 5; ++i) life.fail_some();
        for (int i = 0; i < 150; ++i) life.step();
        life.expect_clean();
        expect_counted(life.masks());
      }
}

// What the referee calls legal is what it should: in every slice of a small tree that `weft` cuts,
// every permutation of the hosts has a routing with one flow on a link each way, found by search.
class Routing {
 public:
  Routing(const Tree& tree, const Cut& cut) : tree_(tree), cut_(cut) {
    for (const Cut::Leaf& leaf : cut.leaves)
      for (std::uint32_t i = 0; i < count(leaf.hosts); ++i) at_.push_back(&leaf);
  }
  std::size_t hosts() const { return at_.size(); }
  bool exists(const std::vector<std::size_t>& to) {
    used_.clear();
    return route(to, 0);
  }

 private:
  using Link = std::array<std::uint32_t, 4>;  // direction, leaf or pod, L2 index, spine

  std::uint64_t spines(std::uint32_t l2) const {
    for (const Cut::L2& one : cut_.l2)
      if (one.l2 == l2) return one.up;
    return 0;
  }
  bool route(const std::vector<std::size_t>& to, std::size_t flow) {
    if (flow == to.size()) return true;
    const Cut::Leaf &a = *at_[flow], &b = *at_[to[flow]];
    if (&a == &b) return route(to, flow + 1);
    const std::uint32_t pa = tree_.pod_of(a.leaf), pb = tree_.pod_of(b.leaf);
    for (std::uint32_t i = 0; i < tree_.l2_per_pod; ++i) {
      if ((a.up & b.up & std::uint64_t{1} << i) == 0) continue;
      const std::uint64_t both =
          spines(pa * tree_.l2_per_pod + i) & spines(pb * tree_.l2_per_pod + i);
      for (std::uint32_t s = 0; s < (pa == pb ? 1 : tree_.spines_per_l2); ++s) {
        std::vector<Link> path{{0, a.leaf, i, 64}, {1, b.leaf, i, 64}};
        if (pa != pb) {
          if ((both >> s & 1) == 0) continue;
          path.push_back({0, pa, i, s});
          path.push_back({1, pb, i, s});
        }
        if (std::ranges::any_of(path, [&](const Link& link) { return used_.contains(link); }))
          continue;
        used_.insert(path.begin(), path.end());
        if (route(to, flow + 1)) return true;
        for (const Link& link : path) used_.erase(link);
      }
    }
    return false;
  }

  const Tree& tree_;
  const Cut& cut_;
  std::vector<const Cut::Leaf*> at_;
  std::set<Link> used_;
};

bool every_permutation_has_a_routing(const Tree& tree, const Cut& cut) {
  Routing routing(tree, cut);
  std::vector<std::size_t> to(routing.hosts());
  std::iota(to.begin(), to.end(), 0);
  do
    if (!routing.exists(to)) return false;
  while (std::next_permutation(to.begin(), to.end()));
  return true;
}

TEST(Allocator, SlicesOfStubsAreNonBlocking) {
  std::set<std::vector<std::pair<std::uint64_t, std::uint64_t>>> seen;
  int stubs = 0, of_pods = 0;
  for (const Tree& tree : {Tree{3, 4, 4, 3, 3}, Tree{4, 3, 4, 4, 3}})
    for (std::uint64_t seed = 1; seed <= 120; ++seed) {
      Life life(tree, Policy::weft, seed);
      for (int i = 0; i < 80; ++i) {
        life.step();
        if (life.slices().empty()) continue;
        const Cut& cut = life.slices().back();
        const bool far = cut.shape == Shape::stubs_of_pods;
        if ((!far && cut.shape != Shape::stubs) || cut.hosts() > 6) continue;
        ++(far ? of_pods : stubs);
        std::vector<std::pair<std::uint64_t, std::uint64_t>> links;
        for (const Cut::Leaf& leaf : cut.leaves) links.emplace_back(leaf.leaf, leaf.up);
        for (const Cut::L2& l2 : cut.l2) links.emplace_back(100 + l2.l2, l2.up);
        if (!seen.insert(links).second) continue;
        EXPECT_TRUE(every_permutation_has_a_routing(tree, cut)) << "seed " << seed;
      }
      life.expect_clean();
    }
  EXPECT_GT(of_pods, 20);
  EXPECT_GT(stubs, 0);
  // The search for routings is one that can fail: less of a link is too little.
  const Tree tree{3, 4, 4, 3, 3};
  Cut three;
  three.shape = Shape::stubs_of_pods;
  for (const std::uint32_t leaf : {0U, 4U, 8U}) three.leaves.push_back({leaf, 1, 1});
  three.asked = 3;
  for (const std::uint32_t l2 : {0U, 3U, 6U}) three.l2.push_back({l2, 1});
  EXPECT_EQ(illegal(tree, three), "");
  EXPECT_TRUE(every_permutation_has_a_routing(tree, three));
  three.l2[2].up = 2;
  EXPECT_NE(illegal(tree, three), "");
  EXPECT_FALSE(every_permutation_has_a_routing(tree, three));
}

TEST(Allocator, SharesALeafWithThoseThatEndTogether) {
  const Tree tree = tree_of_radix(8);
  Masks masks(tree);
  Cut first, second;
  first.leaves.push_back({0, 1, 0});
  second.leaves.push_back({1, 1, 0});
  masks.take(first, 100);
  masks.take(second, 1'000);
  Allocator weft(Policy::weft);
  EXPECT_EQ(weft.cut(masks, 3, Term{0, 90})->leaves[0].leaf, 0U);
  EXPECT_EQ(weft.cut(masks, 3, Term{0, 990})->leaves[0].leaf, 1U);
  masks.give_back(second);
  EXPECT_EQ(masks.busy_until(1), 0) << "nobody is left";
}

TEST(Allocator, TheWholeFabricIsOneSlice) {
  for (const std::uint32_t radix : {4U, 8U, 16U, 36U, 64U}) {
    const Tree tree = tree_of_radix(radix);
    for (const Policy policy : all_policies) {
      const auto cut = Allocator(policy).cut(Masks(tree), tree.hosts());
      ASSERT_TRUE(cut.has_value()) << to_string(policy);
      if (policy != Policy::baseline) {
        EXPECT_EQ(illegal(tree, *cut), "");
      }
    }
  }
}

TEST(Allocator, SaysWhyNot) {
  const Tree tree = tree_of_radix(4);  // 8 leaves of 2 hosts, 4 pods
  Allocator jigsaw(Policy::jigsaw);
  Masks masks(tree);
  EXPECT_FALSE(jigsaw.cut(masks, 17));
  EXPECT_EQ(jigsaw.why(masks, 17), Refusal::hosts);

  Cut one_of_each;  // a host of every leaf is gone: 8 are free, but no leaf is whole
  for (std::uint32_t leaf = 0; leaf < 8; ++leaf) one_of_each.leaves.push_back({leaf, 1, 0});
  masks.take(one_of_each);
  EXPECT_TRUE(jigsaw.cut(masks, 2));
  EXPECT_FALSE(jigsaw.cut(masks, 3));
  EXPECT_EQ(jigsaw.why(masks, 3), Refusal::shape);

  masks = Masks(tree);
  Cut uplinks;
  for (std::uint32_t leaf = 0; leaf < 8; ++leaf) uplinks.leaves.push_back({leaf, 0, 3});
  masks.take(uplinks);
  EXPECT_FALSE(jigsaw.cut(masks, 4));
  EXPECT_EQ(jigsaw.why(masks, 4), Refusal::leaf_links);

  masks = Masks(tree);
  Cut spines;
  for (std::uint32_t l2 = 0; l2 < tree.l2(); ++l2) spines.l2.push_back({l2, 3});
  masks.take(spines);
  EXPECT_TRUE(jigsaw.cut(masks, 4));
  EXPECT_FALSE(jigsaw.cut(masks, 8));
  EXPECT_EQ(jigsaw.why(masks, 8), Refusal::spine_links);
}

TEST(Referee, FindsWhatIsPlanted) {
  const Tree tree = tree_of_radix(8);  // 4 hosts a leaf, 4 leaves a pod, 8 pods
  const Cut pod = *Allocator(Policy::jigsaw).cut(Masks(tree), 7);
  const Cut pods = *Allocator(Policy::jigsaw).cut(Masks(tree), 39);
  EXPECT_EQ(illegal(tree, pod), "");
  EXPECT_EQ(illegal(tree, pods), "");
  // Each bit of links and hosts taken from a legal slice, or added to it, makes it illegal.
  int wrong = 0;
  for (const Cut& good : {pod, pods}) {
    for (std::size_t i = 0; i < good.leaves.size(); ++i)
      for (std::uint32_t bit = 0; bit < 4; ++bit) {
        Cut bad = good;
        bad.leaves[i].up ^= std::uint64_t{1} << bit;
        EXPECT_NE(illegal(tree, bad), "") << "uplink " << bit << " of leaf " << i;
        bad = good;
        bad.leaves[i].hosts &= ~(std::uint64_t{1} << bit);
        if (bad == good) continue;
        EXPECT_NE(illegal(tree, bad), "") << "host " << bit << " of leaf " << i;
        ++wrong;
      }
    for (std::size_t i = 0; i < good.l2.size(); ++i)
      for (std::uint32_t bit = 0; bit < 4; ++bit) {
        Cut bad = good;
        bad.l2[i].up ^= std::uint64_t{1} << bit;
        EXPECT_NE(illegal(tree, bad), "") << "spine " << bit << " of L2 " << i;
        ++wrong;
      }
  }
  EXPECT_GT(wrong, 90);

  Checker referee(tree);
  referee.start(pod, true);
  referee.start(pod, true);
  EXPECT_EQ(referee.shared_hosts(), pod.hosts());
  EXPECT_EQ(referee.shared_links(), pod.leaf_links());
  referee.end(pod, true);
  referee.end(pod, true);
  referee.start(pods, true);
  EXPECT_EQ(referee.shared_hosts(), pod.hosts()) << "nothing new";
}

}  // namespace
}  // namespace weft::broker::fabric
