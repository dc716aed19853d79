#include <algorithm>

#include "tests/unit/broker/world.hpp"

namespace weft::broker::testing {
namespace {

const Fix* fix(const Why& why, const std::string& what) {
  for (const Fix& f : why.fixes)
    if (f.what == what) return &f;
  return nullptr;
}

}  // namespace

TEST(Why, ACapBelowThePriceIsNamedAndItsFixStarts) {
  World w;
  w.fleet(2);
  JobSpec spec = World::spec(2);
  spec.price_max = Price{1'000'000};
  const JobId job = w.submit(spec);
  const Why why = w.ok<Why>(3, WhyJob{job});
  EXPECT_EQ(why.blockers, std::vector<Code>{Code::place_price});
  ASSERT_TRUE(fix(why, "max_price: 2.00")) << why.summary;
  EXPECT_EQ(fix(why, "max_price: 2.00")->then,
            "starts now at $2.00 per unit-hour, at most $4.00 in all");
  EXPECT_NE(std::find(why.clear.begin(), why.clear.end(), "nodes"), why.clear.end());
  spec.price_max = Price{2'000'000};
  EXPECT_EQ(w.state(w.submit(spec)), JobState::starting) << "the fix does what it says";
}

TEST(Why, TooFewNodesOffersFewerAndTheWait) {
  World w;
  w.fleet(4);
  const JobId running = w.submit(World::spec(2, hours(1)));
  w.prepared(running, {1, 2});
  const JobId job = w.submit(World::spec(4));
  const Why why = w.ok<Why>(3, WhyJob{job});
  EXPECT_EQ(why.blockers, std::vector<Code>{Code::place_nodes});
  EXPECT_TRUE(fix(why, "nodes: 2"));
  EXPECT_TRUE(fix(why, "wait: 1h")) << (why.fixes.empty() ? "" : why.fixes.back().what);
  EXPECT_NE(why.summary.find("2 of 4 offered nodes are free"), std::string::npos) << why.summary;
}

TEST(Why, AFirmLeaseOnNodesWithNoticeNamesTheNotice) {
  World w;
  w.fleet(1, {}, seconds(120));
  const JobId job = w.submit(World::spec(1));
  const Why why = w.ok<Why>(3, WhyJob{job});
  EXPECT_EQ(why.blockers, std::vector<Code>{Code::place_notice});
  EXPECT_TRUE(fix(why, "notice: 2m"));
  JobSpec spec = World::spec(1);
  spec.notice = seconds(120);
  const JobId other = w.submit(spec);
  EXPECT_EQ(w.state(other), JobState::starting);
  EXPECT_EQ(w.ok<LeaseList>(3, ListLeases{}).leases.at(0).notice, seconds(120));
}

TEST(Why, AWindowThatIsTooShortNamesTheTimeThatFits) {
  World w;
  w.fleet(0);
  w.enroll(World::worker_key(1), Role::worker, "n1", "lab");
  w.join(1);
  w.ok<OfferList>(2, PutOffer{{}, {}, {}, {}, w.now + minutes(90)});
  const JobId job = w.submit(World::spec(1, hours(2)));
  const Why why = w.ok<Why>(3, WhyJob{job});
  EXPECT_EQ(why.blockers, std::vector<Code>{Code::place_window});
  EXPECT_TRUE(fix(why, "time: 1h30m")) << why.summary;
}

TEST(Why, HeldAndNothingOffered) {
  World w;
  w.fleet(0);
  const JobId job = w.ok<Submitted>(3, SubmitJob{World::spec(1), true, false}).job;
  const Why why = w.ok<Why>(3, WhyJob{job});
  EXPECT_EQ(why.blockers, (std::vector<Code>{Code::place_held, Code::place_nodes}));
  EXPECT_NE(why.summary.find("no node is offered"), std::string::npos);
}

TEST(Why, ACostCapThatIsTooSmall) {
  World w;
  w.fleet(1);
  JobSpec spec = World::spec(1, hours(2));
  spec.cost_cap = Money{3'000'000};
  const JobId job = w.submit(spec);
  EXPECT_EQ(w.state(job), JobState::queued);
  const Why why = w.ok<Why>(3, WhyJob{job});
  EXPECT_EQ(why.blockers, std::vector<Code>{Code::place_price});
  EXPECT_TRUE(fix(why, "time: 1h30m"));
  EXPECT_TRUE(fix(why, "cost_cap: 1.00 more"));
}

TEST(DryRun, SaysWhatWouldHappenAndChangesNothing) {
  World w;
  w.fleet(2);
  const std::uint64_t before = w.seq;
  const DryRun good = w.ok<DryRun>(3, SubmitJob{World::spec(2), false, true});
  EXPECT_TRUE(good.placeable);
  EXPECT_EQ(good.nodes, (std::vector<std::string>{"n1", "n2"}));
  EXPECT_EQ(to_string(good.cost_max), "4.00");
  EXPECT_EQ(good.spec.backend, "weft") << "the resolved form";
  const DryRun bad = w.ok<DryRun>(3, SubmitJob{World::spec(3), false, true});
  EXPECT_FALSE(bad.placeable);
  EXPECT_TRUE(fix(bad.why, "nodes: 2"));
  EXPECT_EQ(w.seq, before);
}

}  // namespace weft::broker::testing
