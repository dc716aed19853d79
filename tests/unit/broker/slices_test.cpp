// Slices in the broker's core: nothing is handed over or billed before the driver has verified it,
// nothing is rented again before the fabric has let go of it.
#include <algorithm>

#include "broker/fabric/model/generate.hpp"
#include "tests/unit/broker/world.hpp"

namespace weft::broker::testing {
namespace {

// 8 hosts named n1 to n8, two a leaf, four leaves, two L2 switches.
fabric::Fabric leaf_spine() {
  fabric::Fabric fabric = generate(fabric::Tree{2, 4, 1, 2, 1}, 2);
  for (std::size_t i = 0; i < fabric.rails[0].hosts.size(); ++i)
    fabric.rails[0].hosts[i].name = "n" + std::to_string(i + 1);
  return fabric;
}

CoreConfig on_fabric(const std::string& driver) {
  CoreConfig c = World::standard();
  c.ground = std::make_shared<Ground>(leaf_spine(), driver, "text");
  return c;
}

}  // namespace

class Slices : public ::testing::Test {
 protected:
  Slices() : w(on_fabric("opensm")) {
    w.fleet(8);
    w.step(DriverStarted{});
    answer();
  }
  ApplySlices asked() const { return std::get<ApplySlices>(w.asked.back()); }
  // The driver's answers until it is asked nothing more.
  void settle() {
    while (asked().ticket != answered) answer();
  }
  // The driver's answer to what it was asked last.
  void answer(std::vector<SliceDiffers> differences = {}, Code code = Code::none) {
    DriverAnswered a;
    a.ticket = answered = asked().ticket;
    a.code = code;
    a.differences = std::move(differences);
    w.step(DriverSaid{a});
  }
  Lease lease_of(JobId job) {
    for (const Lease& lease : w.ok<LeaseList>(1, ListLeases{}).leases)
      if (lease.job == job && lease.state != LeaseState::closed) return lease;
    ADD_FAILURE() << "no lease of job " << job.value;
    return {};
  }
  std::vector<int> nodes_of(JobId job) {
    std::vector<int> out;
    for (const std::string& name : w.show(job).nodes) out.push_back(std::stoi(name.substr(1)));
    return out;
  }
  JobId running(std::uint32_t nodes) {
    const JobId job = w.submit(World::spec(nodes));
    answer();
    w.prepared(job, nodes_of(job));
    EXPECT_EQ(w.state(job), JobState::running);
    return job;
  }
  void finish(JobId job) {
    const AttemptId attempt = w.attempt(job);
    const auto nodes = nodes_of(job);
    for (std::size_t i = 0; i < nodes.size(); ++i)
      w.ends(attempt, nodes[i], static_cast<std::uint32_t>(i), RankState::exited, 0);
    w.gone(attempt, nodes);
  }

  World w;
  std::uint64_t answered = 0;  // ticket
};

TEST_F(Slices, GoWaitsForTheFabricAndSoDoesTheBill) {
  const JobId job = w.submit(World::spec(4));
  ASSERT_EQ(asked().slices.size(), 1u);
  EXPECT_EQ(asked().fresh, std::vector<std::uint64_t>{asked().slices[0].slice});
  EXPECT_NE(asked().slices[0].key, 0u);
  w.prepared(job, nodes_of(job));
  EXPECT_EQ(w.state(job), JobState::starting) << "prepared, but the slice is not verified";
  EXPECT_EQ(w.node(nodes_of(job)[0]).meter, MeterClass::idle);
  w.pass(seconds(3));
  answer();
  EXPECT_EQ(w.state(job), JobState::running);
  EXPECT_EQ(lease_of(job).active_at, w.now) << "billed from the hand-over";
  EXPECT_EQ(lease_of(job).slice.state, SliceState::ready);
}

TEST_F(Slices, TheFabricMayAlsoBeFirst) {
  const JobId job = w.submit(World::spec(4));
  answer();
  EXPECT_EQ(w.state(job), JobState::starting);
  w.prepared(job, nodes_of(job));
  EXPECT_EQ(w.state(job), JobState::running);
}

TEST_F(Slices, RanksStandLeafByLeafAndKnowTheirKey) {
  const JobId job = w.submit(World::spec(4));
  const auto prepare = w.order<Prepare>(1);
  ASSERT_TRUE(prepare);
  const auto nodes = nodes_of(job);
  EXPECT_TRUE(std::is_sorted(nodes.begin(), nodes.end()));
  const auto& env = prepare->spec.env;
  const auto key = std::find_if(env.begin(), env.end(),
                                [](const KeyValue& e) { return e.name == "UCX_IB_PKEY"; });
  ASSERT_NE(key, env.end());
  EXPECT_EQ(key->value, "0x0100") << "by value, without the bit of membership";
}

TEST_F(Slices, WhatDiffersTwiceIsQuarantinedUnbilledAndNotRentedAgain) {
  const JobId job = w.submit(World::spec(4));
  const std::uint64_t slice = asked().slices[0].slice;
  const auto first = nodes_of(job);
  w.prepared(job, first);
  answer({{slice, "h0 to h2: at leaf0_0: uplink 1 is not the slice's"}});
  EXPECT_EQ(w.state(job), JobState::starting) << "tried again once";
  ASSERT_EQ(asked().slices.size(), 1u);
  answer({{slice, "h0 to h2: at leaf0_0: uplink 1 is not the slice's"}});
  const auto leases = w.ok<LeaseList>(1, ListLeases{}).leases;
  EXPECT_EQ(leases[0].slice.state, SliceState::quarantined);
  EXPECT_NE(leases[0].slice.text.find("uplink 1"), std::string::npos) << "names the difference";
  EXPECT_EQ(leases[0].active_at, Instant{}) << "never billed";
  w.gone(w.attempt(job), first);
  w.pass(seconds(1));
  answer();
  const auto second = nodes_of(job);
  for (const int n : second) EXPECT_EQ(std::count(first.begin(), first.end(), n), 0) << n;
  const JobId third = w.submit(World::spec(1));
  EXPECT_EQ(w.state(third), JobState::queued) << "four hosts are quarantined, four are taken";
}

TEST_F(Slices, ADifferenceOfNobodyInParticularHandsNothingOver) {
  const JobId before = running(2);
  const JobId job = w.submit(World::spec(4));
  w.prepared(job, nodes_of(job));
  answer({{0, "leaf0_0: LID 5 goes to port 3, planned 4"}});
  EXPECT_EQ(w.state(job), JobState::starting);
  w.pass(seconds(2));
  answer();
  EXPECT_EQ(w.state(job), JobState::running) << "programmed again, and right then";
  finish(before);
  const JobId next = w.submit(World::spec(3));
  answer({{0, "leaf0_0: LID 5 goes to port 3, planned 4"}});
  EXPECT_EQ(w.state(next), JobState::queued) << "nor is anything taken as free";
  w.pass(seconds(2));
  settle();
  EXPECT_EQ(w.state(next), JobState::starting);
}

TEST_F(Slices, ALinkThatDiesBeforeTheHandOverDelaysIt) {
  const JobId job = w.submit(World::spec(3));
  w.prepared(job, nodes_of(job));
  const Slice before = lease_of(job).slice;
  FabricChanged change;
  change.down.leaves = {{before.links.leaves[0].leaf, 0, before.links.leaves[0].up}};
  w.step(DriverSaid{change});
  EXPECT_EQ(w.state(job), JobState::starting) << "other links, not verified yet";
  settle();
  EXPECT_EQ(w.state(job), JobState::running);
}

TEST_F(Slices, NodesAndLinksAreRentedAgainOnlyWhenReadBackFree) {
  const JobId job = running(8);
  const JobId next = w.submit(World::spec(8));
  finish(job);
  EXPECT_EQ(w.state(job), JobState::succeeded);
  EXPECT_TRUE(asked().slices.empty()) << "taken out of the fabric";
  EXPECT_EQ(w.state(next), JobState::queued);
  answer();
  EXPECT_EQ(w.state(next), JobState::starting);
}

TEST_F(Slices, ALinkThatDiesIsReplacedWhileTheRanksRun) {
  const JobId job = running(3);  // one uplink of its two leaves
  const Slice before = lease_of(job).slice;
  FabricChanged change;
  change.down.leaves = {{before.links.leaves[0].leaf, 0, before.links.leaves[0].up}};
  change.text = "leaf0_0 port 3 is down";
  w.step(DriverSaid{change});
  EXPECT_EQ(lease_of(job).slice.state, SliceState::degraded);
  EXPECT_EQ(w.state(job), JobState::running) << "no rank moves";
  EXPECT_EQ(asked().fresh.size(), 1u);
  answer();
  const Slice after = lease_of(job).slice;
  EXPECT_EQ(after.state, SliceState::ready);
  EXPECT_EQ(after.links.leaves[0].up & before.links.leaves[0].up, 0u);
  EXPECT_EQ(after.key, before.key);
}

TEST_F(Slices, AGangWhoseHostsHaveNoOtherLinksStartsElsewhere) {
  const JobId job = running(4);  // both uplinks of two leaves
  const Slice before = lease_of(job).slice;
  const auto nodes = nodes_of(job);
  FabricChanged change;
  change.down.leaves = {{before.links.leaves[0].leaf, 0, 1}};
  change.text = "leaf0_0 port 3 is down";
  w.step(DriverSaid{change});
  w.gone(w.attempt(job), nodes);
  settle();
  EXPECT_EQ(w.show(job).job.cause, Cause::link_lost);
  EXPECT_EQ(w.state(job), JobState::queued);
  w.pass(seconds(6));
  settle();
  w.prepared(job, nodes_of(job));
  EXPECT_EQ(w.state(job), JobState::running);
  EXPECT_NE(nodes_of(job), nodes) << "two whole leaves without the dead link";
}

TEST_F(Slices, ADriverThatDiesIsAskedAgainForEverything) {
  const JobId job = w.submit(World::spec(4));
  w.prepared(job, nodes_of(job));
  const DriverAnswered late{asked().ticket, {}, {}, {}, 0, 0, 0, {}, {}, {}, {}};
  w.step(DriverStarted{});
  w.step(DriverSaid{late});
  EXPECT_EQ(w.state(job), JobState::starting) << "that was said by the dead one";
  answer();
  EXPECT_EQ(w.state(job), JobState::running);
}

TEST_F(Slices, AFailingDriverIsAskedAgainAndAfterTwoMinutesTheLeaseIsNotDelivered) {
  const JobId job = w.submit(World::spec(4));
  const LeaseId lease = lease_of(job).id;
  w.prepared(job, nodes_of(job));
  answer({}, Code::fabric_driver);
  const std::size_t asks = w.asked.size();
  w.pass(seconds(2));
  EXPECT_EQ(w.asked.size(), asks + 1);
  w.pass(seconds(125));
  for (const Lease& l : w.ok<LeaseList>(1, ListLeases{}).leases) {
    if (l.id != lease) continue;
    EXPECT_EQ(l.cause, Cause::not_delivered);
    EXPECT_EQ(l.active_at, Instant{});
  }
}

TEST_F(Slices, ARestartedBrokerVerifiesAllSlicesAgain) {
  const JobId job = running(4);
  w.restart();
  w.restart(true);
  w.step(DriverStarted{});
  ASSERT_EQ(asked().fresh.size(), 1u);
  answer();
  EXPECT_EQ(w.state(job), JobState::running);
  EXPECT_EQ(lease_of(job).slice.state, SliceState::ready);
}

TEST_F(Slices, ALeaseByHandIsHandedOverWhenVerified) {
  AskQuote ask;
  ask.nodes = 2;
  ask.term = hours(1);
  const Quote quote = w.ok<QuoteReply>(3, ask).quote;
  EXPECT_FALSE(quote.slice.links.leaves.empty()) << "links are reserved with the nodes";
  EXPECT_EQ(w.ok<LeaseList>(3, AcceptQuote{quote.id}).leases[0].state, LeaseState::preparing);
  answer();
  EXPECT_EQ(w.ok<LeaseList>(3, ListLeases{}).leases[0].state, LeaseState::active);
}

TEST_F(Slices, VerifyAsksTheDriverAndAnswersWithWhatItRead) {
  const JobId job = running(4);
  w.ask(3, VerifySlice{lease_of(job).id}, request_key(77));
  const auto check = std::get<CheckSlices>(w.asked.back());
  DriverAnswered a;
  a.ticket = check.ticket;
  a.pairs = 12;
  a.differences = {{check.slices[0], "h1 has key 0x8101"}};
  w.sent.clear();
  w.step(DriverSaid{a});
  const auto reply = std::get<SliceVerified>(w.reply_to(request_key(77)));
  EXPECT_EQ(reply.pairs, 12u);
  EXPECT_EQ(reply.differences, std::vector<std::string>{"h1 has key 0x8101"});
  EXPECT_EQ(asked().fresh.size(), 1u) << "and it is programmed again";
}

TEST(RecordedSlices, AreReadyAtOnceAndSaySo) {
  World w(on_fabric("none"));
  w.fleet(8);
  const JobId job = w.submit(World::spec(4));
  w.prepared(job, {1, 2, 3, 4});
  EXPECT_EQ(w.state(job), JobState::running);
  EXPECT_TRUE(w.asked.empty());
  const auto list = w.ok<SliceList>(3, ListSlices{});
  ASSERT_EQ(list.slices.size(), 1u);
  EXPECT_FALSE(list.slices[0].slice.enforced);
  EXPECT_NE(list.slices[0].slice.text.find("recorded only"), std::string::npos);
  EXPECT_TRUE(list.fabric.empty()) << "the map is not for customers";
  EXPECT_EQ(w.ok<SliceList>(2, ListSlices{}).fabric, "text");
}

TEST(RecordedSlices, WithinALeafNamesWhereTheNodesAreAndOffersTheBlock) {
  World w(on_fabric("none"));
  w.fleet(8);
  JobSpec spec = World::spec(4);
  spec.within = SliceWithin::leaf;
  const JobId job = w.submit(spec);
  const Why why = w.ok<Why>(3, WhyJob{job});
  EXPECT_EQ(why.blockers, std::vector<Code>{Code::place_shape});
  EXPECT_NE(why.summary.find("2 on leaf 0, 2 on leaf 1"), std::string::npos) << why.summary;
  const auto block = std::find_if(why.fixes.begin(), why.fixes.end(),
                                  [](const Fix& f) { return f.what == "within: block"; });
  ASSERT_NE(block, why.fixes.end()) << why.summary;
  spec.within = SliceWithin::block;
  EXPECT_EQ(w.state(w.submit(spec)), JobState::starting) << "the fix does what it says";
}

}  // namespace weft::broker::testing
