// The acceptance probe in the broker's core: nothing is handed over or billed before every way of
// the slice was fast enough, what is slow is named and set aside, and a return is measured, too.
#include <algorithm>
#include <functional>

#include "broker/fabric/model/generate.hpp"
#include "tests/unit/broker/world.hpp"

namespace weft::broker::testing {
namespace {

CoreConfig measured_fabric() {  // 8 hosts n1 to n8, two a leaf, four leaves, two L2 switches
  fabric::Fabric fabric = generate(fabric::Tree{2, 4, 1, 2, 1}, 2);
  for (std::size_t i = 0; i < fabric.rails[0].hosts.size(); ++i)
    fabric.rails[0].hosts[i].name = "n" + std::to_string(i + 1);
  fabric.link_rate_bps = 1'000;
  auto ground = std::make_shared<Ground>(std::move(fabric), "linux", "text");
  ground->probe = {true, 1'000, 80};
  CoreConfig c = World::standard();
  c.ground = ground;
  return c;
}

using Speed = std::function<std::uint64_t(int from, int to, std::uint32_t run)>;

class Probes : public ::testing::Test {
 protected:
  Probes() : w(measured_fabric()) {
    w.fleet(8);
    w.step(DriverStarted{});
    driver();
  }
  void driver() {  // does what it was asked
    DriverAnswered a;
    a.ticket = std::get<ApplySlices>(w.asked.back()).ticket;
    w.step(DriverSaid{a});
  }
  std::vector<int> nodes_of(JobId job) {
    std::vector<int> out;
    for (const std::string& name : w.show(job).nodes) out.push_back(std::stoi(name.substr(1)));
    return out;
  }
  JobId submit(std::uint32_t nodes = 4) {
    const JobId job = w.submit(World::spec(nodes));
    w.sent.clear();
    driver();
    return job;
  }
  // The workers' answer to ProbeOpen.
  void open(const std::vector<int>& nodes) {
    std::vector<std::pair<int, ProbeOpen>> orders;
    for (const int n : nodes) {
      const auto order = w.order<ProbeOpen>(n);
      ASSERT_TRUE(order) << "n" << n;
      orders.emplace_back(n, *order);
    }
    w.sent.clear();
    for (const auto& [n, order] : orders)
      w.report(n, ProbeOpened{order.ticket, {}, {}, {static_cast<std::uint8_t>(n)}});
  }
  // Answers of all that were ordered to measure, until nobody is. How many runs that were.
  std::uint32_t measure(const std::vector<int>& nodes, const Speed& speed) {
    std::uint32_t runs = 0;
    while (true) {
      std::vector<std::pair<int, ProbeRun>> orders;
      for (const int n : nodes)
        if (const auto order = w.order<ProbeRun>(n)) orders.emplace_back(n, *order);
      w.sent.clear();
      if (orders.empty()) return runs;
      ++runs;
      for (const auto& [n, order] : orders) {
        ProbeDone done{order.ticket, order.run, {}};
        for (const std::uint32_t to : order.to)
          done.measures.push_back({order.index, to, 500, speed(n, nodes[to], order.run)});
        w.report(n, done);
      }
    }
  }
  using Orders = std::vector<std::pair<int, ProbeRun>>;
  Orders ordered(const std::vector<int>& nodes) {
    Orders out;
    for (const int n : nodes) out.emplace_back(n, *w.order<ProbeRun>(n));
    return out;
  }
  void tell(const Orders& orders) {  // that every way is fast
    for (const auto& [n, order] : orders) {
      ProbeDone done{order.ticket, order.run, {}};
      for (const std::uint32_t to : order.to) done.measures.push_back({order.index, to, 500, 950});
      w.report(n, done);
    }
  }
  Lease lease(LeaseId id) {
    for (const Lease& l : w.ok<LeaseList>(1, ListLeases{}).leases)
      if (l.id == id) return l;
    return {};
  }
  LeaseId lease_of(JobId job) {
    LeaseId newest;
    for (const Lease& l : w.ok<LeaseList>(1, ListLeases{}).leases)
      if (l.job == job) newest = l.id;
    return newest;
  }
  std::vector<Certificate> certificates(LeaseId id) {
    return w.ok<Certificates>(3, ReadCertificates{id}).certificates;
  }
  static std::uint64_t fast(int, int, std::uint32_t) { return 950; }

  World w;
};

TEST_F(Probes, HandOverAndBillWaitForTheFigures) {
  const JobId job = submit();
  const auto nodes = nodes_of(job);
  w.prepared(job, nodes);
  EXPECT_EQ(w.state(job), JobState::starting) << "verified, but not measured";
  EXPECT_EQ(lease(lease_of(job)).active_at, Instant{});
  // The reports above took the orders away: the workers are asked again in time.
  w.pass(seconds(12));
  open(nodes);
  EXPECT_EQ(measure(nodes, fast), 1u);
  EXPECT_EQ(w.state(job), JobState::running);
  EXPECT_EQ(lease(lease_of(job)).active_at, w.now) << "billed from the hand-over";
  const auto got = certificates(lease_of(job));
  ASSERT_EQ(got.size(), 1u);
  EXPECT_TRUE(got[0].passed && got[0].measured && !got[0].at_return);
  EXPECT_EQ(got[0].pairs, 12u);
  EXPECT_EQ(got[0].bandwidth_needed_bps, 800u);
  EXPECT_EQ(got[0].bandwidth_bps.least, 950u);
  EXPECT_EQ(got[0].latency_ns.most, 500u);
}

TEST_F(Probes, EveryWayIsMeasuredOnceAndNobodyTwiceAtATime) {
  const JobId job = submit(6);
  const auto nodes = nodes_of(job);
  w.sent.clear();
  w.pass(seconds(12));
  open(nodes);
  std::set<std::pair<std::uint32_t, std::uint32_t>> ways;
  std::vector<std::set<std::uint32_t>> heard(5);
  for (const int n : nodes) {
    const auto order = w.order<ProbeRun>(n);
    ASSERT_TRUE(order);
    ASSERT_EQ(order->to.size(), 5u);
    for (std::size_t turn = 0; turn < 5; ++turn) {
      EXPECT_TRUE(ways.insert({order->index, order->to[turn]}).second);
      EXPECT_TRUE(heard[turn].insert(order->to[turn]).second) << "two send to one at a time";
      EXPECT_NE(order->to[turn], order->index);
    }
    for (const ProbePeer& peer : order->peers)
      EXPECT_EQ(peer.address[0], nodes[peer.index]) << "addresses go to whom they are of";
  }
  EXPECT_EQ(ways.size(), 30u);
}

TEST_F(Probes, WhatIsSlowOnlyAmongTheOthersPasses) {
  const JobId job = submit();
  const auto nodes = nodes_of(job);
  w.prepared(job, nodes);
  w.pass(seconds(12));
  open(nodes);
  const int a = nodes[0], b = nodes[2];
  const auto runs = measure(nodes, [&](int from, int to, std::uint32_t run) {
    return from == a && to == b && run < 3 ? 400U : 950U;
  });
  EXPECT_EQ(runs, 3u) << "all together, alone and still slow, alone and well";
  EXPECT_EQ(w.state(job), JobState::running);
}

TEST_F(Probes, ASlowLinkIsNamedSetAsideAndNotBilled) {
  const JobId job = submit();
  const auto nodes = nodes_of(job);
  const LeaseId first = lease_of(job);
  w.prepared(job, nodes);
  w.pass(seconds(12));
  open(nodes);
  // All that goes to the host nodes[1] is slow, whoever sends.
  const int bad = nodes[1];
  const auto runs =
      measure(nodes, [&](int, int to, std::uint32_t) { return to == bad ? 700U : 950U; });
  EXPECT_EQ(runs, 1u + 3u * 3u) << "each of three ways three times by itself";
  EXPECT_EQ(lease(first).active_at, Instant{}) << "never billed";
  const auto got = certificates(first);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_FALSE(got[0].passed);
  EXPECT_NE(got[0].text.find("suspected: n" + std::to_string(bad)), std::string::npos)
      << got[0].text;
  w.gone(w.attempt(job), nodes);
  driver();
  const auto second = nodes_of(job);
  EXPECT_EQ(std::count(second.begin(), second.end(), bad), 0);
  // The others of the slice were not to blame; the links that only its traffic used might be.
  const auto state = w.ok<SliceList>(1, ListSlices{}).state;
  std::uint32_t hosts = 0;
  for (const SliceLeaf& leaf : state.quarantined.leaves) {
    hosts += static_cast<std::uint32_t>(std::popcount(leaf.hosts));
    EXPECT_LE(std::popcount(leaf.up), 1);
  }
  EXPECT_EQ(hosts, 1u);
}

TEST_F(Probes, ANodeThatCannotMeasureIsAskedAgainAndThenTheSliceIsLate) {
  const JobId job = submit();
  const auto nodes = nodes_of(job);
  w.prepared(job, nodes);
  w.pass(seconds(12));
  const auto order = w.order<ProbeOpen>(nodes[0]);
  ASSERT_TRUE(order);
  w.report(nodes[0], ProbeOpened{order->ticket, Code::os_error, "weft-probe is missing", {}});
  EXPECT_EQ(w.state(job), JobState::starting);
  w.pass(limits::prepare_time_max);
  std::string said;
  for (const EventLine& e : w.ok<Events>(1, ReadEvents{}).events) said += e.text + "\n";
  EXPECT_NE(said.find("was not measured within"), std::string::npos) << said;
  EXPECT_EQ(w.node(nodes[0]).meter, MeterClass::idle);
}

TEST_F(Probes, AnswersOfOthersOrOfAnotherTimeAreIgnored) {
  const JobId job = submit(2);
  const auto nodes = nodes_of(job);
  w.prepared(job, nodes);
  w.pass(seconds(12));
  const auto order = w.order<ProbeOpen>(nodes[0]);
  ASSERT_TRUE(order);
  int stranger = 1;
  while (std::count(nodes.begin(), nodes.end(), stranger) != 0) ++stranger;
  w.report(stranger, ProbeOpened{order->ticket, Code::os_error, "no", {}});
  w.report(nodes[0], ProbeOpened{order->ticket + 1, Code::os_error, "no", {}});
  w.report(nodes[0], ProbeDone{order->ticket, 1, {{0, 1, 5, 5}}});
  w.sent.clear();
  w.report(nodes[0], ProbeOpened{order->ticket, {}, {}, {1}});
  w.report(nodes[1], ProbeOpened{order->ticket, {}, {}, {2}});
  const auto run = w.order<ProbeRun>(nodes[0]), other = w.order<ProbeRun>(nodes[1]);
  ASSERT_TRUE(run && other);
  w.report(nodes[0], ProbeDone{run->ticket, 1, {{0, 7, 5, 950}, {0, 0, 5, 950}, {9, 1, 5, 950}}});
  w.report(nodes[0], ProbeDone{run->ticket, 1, {{0, 1, 5, 1}}});  // said already
  w.report(nodes[1], ProbeDone{run->ticket, 1, {{1, 0, 5, 950}}});
  EXPECT_EQ(w.state(job), JobState::running);
  EXPECT_EQ(certificates(lease_of(job))[0].pairs, 2u) << "places that do not exist count nothing";
}

TEST_F(Probes, AReturnIsMeasuredBeforeTheLinksAreRevoked) {
  const JobId job = submit();
  const auto nodes = nodes_of(job);
  const LeaseId id = lease_of(job);
  w.prepared(job, nodes);
  w.pass(seconds(12));
  open(nodes);
  measure(nodes, fast);
  const AttemptId attempt = w.attempt(job);
  for (std::size_t i = 0; i < nodes.size(); ++i)
    w.ends(attempt, nodes[i], static_cast<std::uint32_t>(i), RankState::exited, 0);
  w.sent.clear();
  w.gone(attempt, nodes);
  EXPECT_EQ(lease(id).slice.state, SliceState::returning);
  EXPECT_EQ(w.node(nodes[0]).meter, MeterClass::idle) << "nobody pays for it";
  EXPECT_EQ(std::get<ApplySlices>(w.asked.back()).slices.size(), 1u) << "the fabric holds it still";
  driver();
  EXPECT_EQ(lease(id).state, LeaseState::returning);
  w.pass(seconds(11));
  EXPECT_EQ(std::get<ApplySlices>(w.asked.back()).slices.size(), 0u)
      << "silent workers do not keep the links for ever";
  driver();
  EXPECT_EQ(lease(id).state, LeaseState::closed);
  const auto got = certificates(id);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_TRUE(got[1].at_return);
  EXPECT_FALSE(got[1].measured);
  EXPECT_NE(got[1].text.find("no answer in time"), std::string::npos) << got[1].text;
}

TEST_F(Probes, FiguresOfLinksThatAreNoLongerTheSlicesHandNothingOver) {
  const JobId job = submit(3);
  const auto nodes = nodes_of(job);
  const LeaseId id = lease_of(job);
  w.prepared(job, nodes);
  w.pass(seconds(12));
  open(nodes);
  const Orders orders = ordered(nodes);
  FabricChanged change;
  const SliceLeaf leaf = lease(id).slice.links.leaves[0];
  change.down.leaves = {{leaf.leaf, 0, leaf.up}};
  w.step(DriverSaid{change});
  ASSERT_NE(lease(id).slice.links.leaves[0].up, leaf.up) << "it was given other links";
  tell(orders);
  EXPECT_EQ(w.state(job), JobState::starting);
  w.sent.clear();
  driver();
  const auto again = w.order<ProbeOpen>(nodes[0]);
  ASSERT_TRUE(again);
  EXPECT_NE(again->ticket, orders[0].second.ticket);
  open(nodes);
  measure(nodes, fast);
  EXPECT_EQ(w.state(job), JobState::running);
}

TEST_F(Probes, AFabricThatMayHaveForgottenIsVerifiedFirstAndThenMeasuredAnew) {
  const JobId job = submit();
  const auto nodes = nodes_of(job);
  w.prepared(job, nodes);
  w.pass(seconds(12));
  open(nodes);
  FabricChanged change;
  change.program_again = true;
  const Orders orders = ordered(nodes);
  w.step(DriverSaid{change});
  tell(orders);
  EXPECT_EQ(lease(lease_of(job)).slice.state, SliceState::programming);
  w.sent.clear();
  driver();
  open(nodes);
  measure(nodes, fast);
  EXPECT_EQ(w.state(job), JobState::running);
}

TEST_F(Probes, ARestartMeasuresAnew) {
  const JobId job = submit(2);
  const auto nodes = nodes_of(job);
  w.pass(seconds(1));
  w.restart();
  for (int i = 1; i <= 8; ++i) w.join(i);
  w.step(DriverStarted{});
  w.sent.clear();
  driver();
  const auto order = w.order<ProbeOpen>(nodes[0]);
  ASSERT_TRUE(order);
  EXPECT_EQ(order->ticket >> 32, w.epoch.value);
  open(nodes);
  measure(nodes, fast);
  EXPECT_EQ(lease(lease_of(job)).slice.state, SliceState::ready);
}

}  // namespace
}  // namespace weft::broker::testing
