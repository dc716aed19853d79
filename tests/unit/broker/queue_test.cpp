#include <algorithm>
#include <random>

#include "broker/fabric/place.hpp"
#include "broker/jobs/backfill.hpp"
#include "broker/jobs/queue.hpp"
#include "tests/unit/broker/world.hpp"

namespace weft::broker::testing {
namespace {

using fabric::Candidate;
using Wish = fabric::Request;

std::vector<Candidate> some_fleet(std::mt19937_64& random, std::uint64_t count) {
  std::vector<Candidate> out;
  for (std::uint64_t i = 1; i <= count; ++i) {
    Candidate c;
    c.node = {i};
    c.owner = static_cast<std::uint32_t>(random() % 2);
    c.gpus = static_cast<std::uint32_t>(random() % 3);
    c.units = std::max(1u, c.gpus);
    c.price = Price{static_cast<std::int64_t>(1 + random() % 3)};
    c.notice =
        random() % 2 ? Duration{} : seconds(static_cast<std::int64_t>(30 * (1 + random() % 3)));
    c.until = random() % 2 ? never : Instant{static_cast<std::int64_t>(50 + random() % 100)};
    c.free_at = Instant{static_cast<std::int64_t>(random() % 3 ? 0 : random() % 60)};
    out.push_back(c);
  }
  return out;
}
Wish some_request(std::mt19937_64& random) {
  Wish r;
  r.nodes = static_cast<std::uint32_t>(1 + random() % 4);
  r.gpus_per_node = static_cast<std::uint32_t>(random() % 2);
  r.term = Duration{static_cast<std::int64_t>(1 + random() % 60)};
  r.notice = random() % 2 ? Duration{} : seconds(60);
  if (random() % 2) r.price_max = Price{static_cast<std::int64_t>(1 + random() % 3)};
  return r;
}
bool serves(const Wish& r, const Candidate& c, Instant at) {
  return c.gpus >= r.gpus_per_node &&
         (c.notice.ms == 0 || (r.notice.ms != 0 && c.notice >= r.notice)) &&
         (!r.price_max || c.price <= *r.price_max) && c.free_at <= at &&
         (c.until == never || at + r.term <= c.until);
}
// By trying every subset.
std::optional<Price> brute_force(const Wish& r, const std::vector<Candidate>& all, Instant at) {
  std::optional<Price> best;
  for (std::uint32_t set = 1; set < (1u << all.size()); ++set) {
    if (static_cast<std::uint32_t>(__builtin_popcount(set)) != r.nodes) continue;
    Price price;
    bool good = true;
    std::optional<std::uint32_t> owner;
    for (std::size_t i = 0; i < all.size() && good; ++i) {
      if (!(set >> i & 1)) continue;
      good = serves(r, all[i], at) && (!owner || *owner == all[i].owner);
      owner = all[i].owner;
      price = std::max(price, all[i].price);
    }
    if (good && (!best || price < *best)) best = price;
  }
  return best;
}

}  // namespace

TEST(Place, AgreesWithTryingEverySubset) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 1'500; ++round) {
    const auto fleet = some_fleet(random, 1 + random() % 8);
    const Wish r = some_request(random);
    const auto placed = fabric::place(r, fleet, {}, Instant{0});
    const auto best = brute_force(r, fleet, Instant{0});
    ASSERT_EQ(placed.placement.has_value(), best.has_value()) << round;
    if (best) {
      EXPECT_EQ(placed.placement->price, *best);
      EXPECT_EQ(placed.placement->nodes.size(), r.nodes);
    } else {
      EXPECT_NE(placed.rejection.blocker, Code::none);
    }
    std::optional<Instant> first;
    for (std::int64_t t = 0; t < 200 && !first; ++t)
      if (brute_force(r, fleet, Instant{t})) first = Instant{t};
    ASSERT_EQ(fabric::earliest_start(r, fleet, {}, Instant{0}), first) << round;
  }
}

TEST(Backfill, NeverDelaysTheHead) {
  std::mt19937_64 random(5);
  int started = 0;
  for (int round = 0; round < 3'000; ++round) {
    const auto fleet = some_fleet(random, 8);
    std::vector<Candidate> free;
    for (const Candidate& c : fleet)
      if (c.free_at == Instant{0}) free.push_back(c);
    jobs::Head head{some_request(random), {}};
    head.request.nodes = static_cast<std::uint32_t>(2 + random() % 4);
    const auto at = fabric::earliest_start(head.request, fleet, {}, Instant{0});
    if (!at || *at == Instant{0}) continue;
    head.at = *at;
    const Wish small = some_request(random);
    const auto placed = jobs::backfill(small, head, free, fleet, {}, Instant{0});
    if (!placed) continue;
    ++started;
    const auto then =
        jobs::with_held(fleet, *placed, Instant{0} + limits::prepare_time_max + small.term);
    const auto later = fabric::earliest_start(head.request, then, {}, Instant{0});
    ASSERT_TRUE(later.has_value());
    EXPECT_LE(*later, head.at) << round;
  }
  EXPECT_GT(started, 50);
}

TEST(Queue, LeastBilledAccountThenPriorityThenOrder) {
  jobs::Queue q;
  q.insert("a", {0, {1}});
  q.insert("b", {0, {2}});
  q.insert("a", {5, {3}});
  q.insert("b", {0, {4}});
  using Ids = std::vector<JobId>;
  EXPECT_EQ(q.first(9, {}), (Ids{{2}, {3}, {1}, {4}}))
      << "equal shares: whose head was submitted first";
  EXPECT_EQ(q.first(9, {{"a", 10}}), (Ids{{2}, {4}, {3}, {1}}));
  EXPECT_EQ(q.first(2, {{"b", 10}}), (Ids{{3}, {1}}));
  q.erase("a", {5, {3}});
  EXPECT_EQ(q.size(), 3u);
}

TEST(Scheduling, SmallJobsPassABlockedHeadOnlyWhereTheyDoNoHarm) {
  World w;
  w.fleet(4);
  const JobId big = w.submit(World::spec(3, hours(2)));  // runs on three
  w.prepared(big, {1, 2, 3});
  const JobId head = w.submit(World::spec(4, hours(1)));  // must wait for all
  EXPECT_EQ(w.state(head), JobState::queued);
  const JobId longer = w.submit(World::spec(1, hours(3)));  // would hold n4 beyond that
  EXPECT_EQ(w.state(longer), JobState::queued);
  const Why why = w.ok<Why>(3, WhyJob{longer});
  EXPECT_EQ(why.blockers, std::vector<Code>{Code::place_ahead});
  EXPECT_NE(why.summary.find("job " + std::to_string(head.value)), std::string::npos)
      << why.summary;
  const JobId shorter = w.submit(World::spec(1, hours(1)));  // is over before
  EXPECT_EQ(w.state(shorter), JobState::starting);
}

TEST(Scheduling, WhatNothingWillEverSatisfyBlocksNobody) {
  World w;
  w.fleet(2);
  const JobId impossible = w.submit(World::spec(50));
  EXPECT_EQ(w.state(impossible), JobState::queued);
  EXPECT_EQ(w.state(w.submit(World::spec(2, hours(9)))), JobState::starting);
}

TEST(Scheduling, PriorityWithinAnAccountAndSharesBetweenThem) {
  World w;
  w.fleet(1);
  const JobId running = w.submit(World::spec(1, hours(1)));
  w.prepared(running, {1});
  const JobId low = w.submit(World::spec(1));
  JobSpec spec = World::spec(1);
  spec.priority = 10;
  const JobId high = w.submit(spec);
  const JobId others = w.submit(World::spec(1), 4);
  w.pass(minutes(30));
  const auto end = [&w](JobId job) {
    const AttemptId a = w.attempt(job);
    w.ends(a, 1, 0, RankState::exited, 0);
    w.gone(a, {1});
  };
  end(running);
  EXPECT_EQ(w.state(others), JobState::starting) << "acme has been billed, other has not";
  w.prepared(others, {1});
  w.pass(minutes(50));
  end(others);
  EXPECT_EQ(w.state(high), JobState::starting) << "now acme has had less; its priority decides";
  EXPECT_EQ(w.state(low), JobState::queued);
}

TEST(Scheduling, GivesUpAfterStartBy) {
  World w;
  w.fleet(1);
  JobSpec spec = World::spec(2);
  spec.start_by = minutes(1);
  const JobId job = w.submit(spec);
  w.pass(minutes(1));
  EXPECT_EQ(w.state(job), JobState::unplaced);
  EXPECT_EQ(w.show(job).job.exit_code, 69);
}

TEST(Scheduling, WaitsForMoneyAndStartsWithIt) {
  World w;
  w.fleet(1);
  const JobId job = w.submit(World::spec(1, hours(100)));  // up to $200
  EXPECT_EQ(w.state(job), JobState::queued);
  const Why why = w.ok<Why>(3, WhyJob{job});
  EXPECT_EQ(why.blockers, std::vector<Code>{Code::money_insufficient});
  ASSERT_FALSE(why.fixes.empty());
  EXPECT_EQ(why.fixes.back().what, "deposit: 100.00");
  w.ok<Done>(1, Deposit{"acme", Money{100'000'000}});
  EXPECT_EQ(w.state(job), JobState::starting);
}

TEST(Scheduling, ANodeJoiningStartsWhoWaitsForIt) {
  World w;
  w.fleet(1);
  const JobId job = w.submit(World::spec(2));
  w.enroll(World::worker_key(2), Role::worker, "n2", "lab");
  w.join(2);
  EXPECT_EQ(w.state(job), JobState::queued) << "joined, but not offered";
  w.ok<OfferList>(2, PutOffer{{"n2"}, {}, {}, {}, {}});
  EXPECT_EQ(w.state(job), JobState::starting);
}

}  // namespace weft::broker::testing
