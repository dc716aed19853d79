// The verifier passes what Routes makes, and finds each fault that is planted into what it sees.
#include "broker/fabric/verify/verify.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <set>

#include "tests/unit/fabric/random_state.hpp"

namespace weft::broker::fabric {
namespace {

// A fabric that forwards as Routes says and admits inside slices, but for what is planted.
class FakeFabric {
 public:
  FakeFabric(const Tree& tree, std::uint64_t seed) : tree_(tree), present_(tree) {
    RandomState state(tree, {Policy::weft, Policy::jigsaw, Policy::ta}, tree.hosts() / 3, seed);
    for (int i = 0; i < 60; ++i) state.step();
    for (const Cut& cut : state.slices()) slices.push_back({10 + slices.size(), cut, 0});
    programmed_ = slices;
    routes_.emplace(present_, programmed_);
  }

  VerifyReport verify_all() const {
    std::vector<std::size_t> all(slices.size());
    std::iota(all.begin(), all.end(), 0);
    return verify(tree_, slices, all, observed());
  }
  Hop next(At at, std::uint32_t host) const { return routes_->next(at, host); }
  void plant(At at, std::uint32_t host, Hop hop) { rows_[{at.tier, at.index, host}] = hop; }
  void admit(std::uint32_t from, std::uint32_t to, bool admitted) {
    admissions_[{from, to}] = admitted;
  }
  void repair() { rows_.clear(), admissions_.clear(), slices = programmed_; }
  std::vector<std::uint32_t> hosts(std::size_t slice) const {
    std::vector<std::uint32_t> out;
    for (std::uint32_t h = 0; h < tree_.hosts(); ++h)
      if (routes_->slice_of(h) == slice) out.push_back(h);
    return out;
  }
  // The first two hosts of a slice on different leaves; in different pods if there are such.
  std::pair<std::uint32_t, std::uint32_t> far_pair(std::size_t slice) const {
    const auto& leaves = slices[slice].cut.leaves;
    const auto first = [&](const Cut::Leaf& leaf) {
      return leaf.leaf * tree_.hosts_per_leaf +
             static_cast<std::uint32_t>(std::countr_zero(leaf.hosts));
    };
    return {first(leaves.front()), first(leaves.back())};
  }

  std::vector<Placed> slices;

 private:
  Observed observed() const {
    return {[this](At at, std::uint32_t host) {
              const auto it = rows_.find({at.tier, at.index, host});
              return it == rows_.end() ? routes_->next(at, host) : it->second;
            },
            [this](std::uint32_t from, std::uint32_t to) {
              const auto it = admissions_.find({from, to});
              return it == admissions_.end() ? routes_->slice_of(from) == routes_->slice_of(to)
                                             : it->second;
            },
            [this](At at) {
              const std::uint32_t there[] = {tree_.leaves(), tree_.l2(), tree_.spines()};
              EXPECT_LT(at.index, there[static_cast<int>(at.tier)]) << "no such switch";
              return fmt::format("{}{}", "LMS"[static_cast<int>(at.tier)], at.index);
            },
            [this](std::uint32_t host) {
              EXPECT_LT(host, tree_.hosts()) << "no such host";
              return fmt::format("h{}", host);
            }};
  }

  Tree tree_;
  Masks present_;
  std::vector<Placed> programmed_;
  std::optional<Routes> routes_;
  std::map<std::tuple<Tier, std::uint32_t, std::uint32_t>, Hop> rows_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, bool> admissions_;
};

std::string listed(const VerifyReport& report) {
  std::string out;
  for (const Difference& d : report.differences) out += fmt::format("{}: {}\n", d.slice, d.what);
  return out;
}

TEST(Verify, PassesWhatRoutesMake) {
  for (const Tree& tree : {tree_of_radix(4), tree_of_radix(8), tree_of_radix(8, 2)})
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      const FakeFabric fake(tree, seed);
      const VerifyReport report = fake.verify_all();
      EXPECT_EQ(listed(report), "");
      EXPECT_EQ(report.more_differences, 0U);
      std::uint64_t pairs = 0, probes = 0;
      for (std::size_t s = 0; s < fake.slices.size(); ++s) {
        const Cut& cut = fake.slices[s].cut;
        pairs += std::uint64_t{cut.hosts()} * (cut.hosts() - 1);
        for (std::size_t other = 0; other < fake.slices.size(); ++other)
          if (other != s) probes += 2 * cut.leaves.size() * fake.slices[other].cut.leaves.size();
      }
      EXPECT_EQ(report.pairs, pairs);
      EXPECT_EQ(report.negative_probes, probes);
    }
}

// Every slice in turn, every kind of fault at the switches between two of its hosts.
class Faults : public testing::Test {
 protected:
  const Tree tree = tree_of_radix(8);
  FakeFabric fake{tree, 5};

  // One difference at least, and all about this slice and this destination's path.
  void expect_found(std::size_t slice, const std::string& what) {
    const VerifyReport report = fake.verify_all();
    ASSERT_FALSE(report.differences.empty()) << what;
    for (const Difference& d : report.differences) {
      EXPECT_EQ(d.slice, fake.slices[slice].slice) << what << ": " << d.what;
    }
    EXPECT_NE(listed(report).find(what), std::string::npos) << listed(report);
    fake.repair();
    ++found;
  }
  template <class Plant>
  void in_each_slice_of_leaves(Plant plant) {
    for (std::size_t s = 0; s < fake.slices.size(); ++s)
      if (fake.slices[s].cut.leaves.size() > 1) {
        const auto [from, to] = fake.far_pair(s);
        plant(s, from, to);
      }
    EXPECT_GE(found, 3);
    EXPECT_EQ(listed(fake.verify_all()), "") << "all repaired";
  }
  At leaf_of(std::uint32_t host) const { return {Tier::leaf, host / tree.hosts_per_leaf}; }
  At l2_above(std::uint32_t host, std::uint32_t to) const {
    const std::uint32_t leaf = host / tree.hosts_per_leaf;
    return {Tier::l2, tree.pod_of(leaf) * tree.l2_per_pod + fake.next({Tier::leaf, leaf}, to).port};
  }

  int found = 0;
};

TEST_F(Faults, MissingRow) {
  in_each_slice_of_leaves([&](std::size_t s, std::uint32_t from, std::uint32_t to) {
    for (const At at : {leaf_of(from), l2_above(from, to), leaf_of(to)}) {
      fake.plant(at, to, {});
      expect_found(s, "no way there");
    }
  });
}

TEST_F(Faults, WrongUplink) {
  in_each_slice_of_leaves([&](std::size_t s, std::uint32_t from, std::uint32_t to) {
    for (const Cut::Leaf& leaf : fake.slices[s].cut.leaves)
      for (std::uint32_t i = 0; i < tree.l2_per_pod + 2; ++i)
        if (leaf.leaf == from / tree.hosts_per_leaf && (leaf.up >> i & 1) == 0) {
          fake.plant(leaf_of(from), to, {Hop::Way::up, i});
          expect_found(s, fmt::format("uplink {} is not the slice's", i));
        }
    const At l2 = l2_above(from, to);
    if (fake.next(l2, to).way != Hop::Way::up) return;
    for (const Cut::L2& owned : fake.slices[s].cut.l2)
      for (std::uint32_t j = 0; j < tree.spines_per_l2 + 2; ++j)
        if (owned.l2 == l2.index && (owned.up >> j & 1) == 0) {
          fake.plant(l2, to, {Hop::Way::up, j});
          expect_found(s, fmt::format("uplink {} is not the slice's", j));
        }
  });
}

TEST_F(Faults, WrongWayDown) {
  in_each_slice_of_leaves([&](std::size_t s, std::uint32_t from, std::uint32_t to) {
    std::set<std::uint32_t> own;
    for (const Cut::Leaf& leaf : fake.slices[s].cut.leaves) own.insert(leaf.leaf);
    const At l2 = l2_above(from, to);
    const std::uint32_t first = l2.index / tree.l2_per_pod * tree.leaves_per_pod;
    for (std::uint32_t leaf = 0; leaf < tree.leaves_per_pod; ++leaf)
      if (!own.contains(first + leaf)) {
        fake.plant(l2, to, {Hop::Way::down, leaf});
        expect_found(s, "is not the slice's");
      }
  });
}

TEST_F(Faults, Loop) {
  in_each_slice_of_leaves([&](std::size_t s, std::uint32_t from, std::uint32_t to) {
    const At l2 = l2_above(from, to);
    fake.plant(l2, to, {Hop::Way::down, from / tree.hosts_per_leaf % tree.leaves_per_pod});
    expect_found(s, "up again");
  });
}

TEST_F(Faults, HostSwapped) {
  in_each_slice_of_leaves([&](std::size_t s, std::uint32_t, std::uint32_t to) {
    for (std::uint32_t slot = 0; slot < tree.hosts_per_leaf; ++slot) {
      if (slot == to % tree.hosts_per_leaf) continue;
      fake.plant(leaf_of(to), to, {Hop::Way::down, slot});
      expect_found(
          s, fmt::format("goes to h{}", to / tree.hosts_per_leaf * tree.hosts_per_leaf + slot));
    }
  });
}

// A port by place that the switch does not have, though arithmetic would lead on.
TEST_F(Faults, PortThatIsNotThere) {
  in_each_slice_of_leaves([&](std::size_t s, std::uint32_t from, std::uint32_t to) {
    const std::uint32_t first = from / tree.hosts_per_leaf * tree.hosts_per_leaf;
    if (to > first) {
      fake.plant(leaf_of(from), to, {Hop::Way::down, to - first});
      expect_found(s, "no such port");
    }
    fake.plant(leaf_of(to), to, {Hop::Way::down, 4'000'000});
    expect_found(s, "no such port");
    const At l2 = l2_above(from, to);
    const std::uint32_t first_leaf = l2.index / tree.l2_per_pod * tree.leaves_per_pod;
    if (to / tree.hosts_per_leaf > first_leaf + tree.leaves_per_pod) {
      fake.plant(l2, to, {Hop::Way::down, to / tree.hosts_per_leaf - first_leaf});
      expect_found(s, "no such port");
    }
    const Hop high = fake.next(l2, to);
    if (high.way != Hop::Way::up) return;
    fake.plant({Tier::spine, l2.index % tree.l2_per_pod * tree.spines_per_l2 + high.port}, to,
               {Hop::Way::down, tree.pods});
    expect_found(s, "no such port");
  });
}

TEST_F(Faults, Admission) {
  ASSERT_GE(fake.slices.size(), 3U);
  for (std::size_t s = 0; s < fake.slices.size(); ++s) {
    const auto mine = fake.hosts(s);
    if (mine.size() > 1) {
      fake.admit(mine.back(), mine.front(), false);
      expect_found(s, fmt::format("h{} may not send to h{}", mine.back(), mine.front()));
    }
    const std::size_t other = (s + 1) % fake.slices.size();
    const auto theirs = fake.hosts(other);
    for (const bool out : {true, false}) {
      const std::uint32_t from = out ? mine.front() : theirs.front();
      const std::uint32_t to = out ? theirs.front() : mine.front();
      fake.admit(from, to, true);
      // Seen from both slices.
      const VerifyReport report = fake.verify_all();
      EXPECT_EQ(report.differences.size(), 2U) << listed(report);
      EXPECT_NE(listed(report).find(fmt::format("h{} of slice {} may send to h{} of slice {}", from,
                                                fake.slices[out ? s : other].slice, to,
                                                fake.slices[out ? other : s].slice)),
                std::string::npos)
          << listed(report);
      fake.repair();
    }
  }
}

TEST_F(Faults, SharedHostOrLink) {
  const Masks all(tree);
  for (std::size_t s = 1; s < fake.slices.size(); ++s) {
    const Cut::Leaf theirs = fake.slices[0].cut.leaves[0];
    fake.slices[s].cut.leaves.push_back({theirs.leaf, lowest(theirs.hosts, 1), 0});
    EXPECT_NE(listed(fake.verify_all()).find("is in slice 10 too"), std::string::npos);
    fake.repair();
  }
  int links = 0;
  for (std::size_t s = 0; s < fake.slices.size(); ++s) {
    const std::size_t other = (s + 1) % fake.slices.size();
    for (const Cut::Leaf& theirs : fake.slices[s].cut.leaves) {
      if (theirs.up == 0) continue;
      fake.slices[other].cut.leaves.push_back({theirs.leaf, 0, lowest(theirs.up, 1)});
      EXPECT_NE(listed(fake.verify_all()).find("uplink"), std::string::npos);
      fake.repair(), ++links;
    }
    for (const Cut::L2& theirs : fake.slices[s].cut.l2) {
      fake.slices[other].cut.l2.push_back({theirs.l2, lowest(theirs.up, 1)});
      EXPECT_NE(listed(fake.verify_all()).find("uplink"), std::string::npos);
      fake.repair(), ++links;
    }
  }
  EXPECT_GT(links, 10);
}

// Only so many differences are listed; the others are counted.
TEST_F(Faults, AreNotListedWithoutEnd) {
  for (std::uint32_t from = 0; from < tree.hosts(); ++from)
    for (std::uint32_t to = 0; to < tree.hosts(); ++to) fake.admit(from, to, false);
  const VerifyReport report = fake.verify_all();
  EXPECT_EQ(report.differences.size(), 100U);
  EXPECT_EQ(report.differences.size() + report.more_differences, report.pairs);
}

}  // namespace
}  // namespace weft::broker::fabric
