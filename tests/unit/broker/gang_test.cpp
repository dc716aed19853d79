#include "tests/unit/broker/world.hpp"

namespace weft::broker::testing {
namespace {

struct Running {
  JobId job;
  AttemptId attempt;
};
Running running(World& w, JobSpec spec) {
  Running r;
  r.job = w.submit(spec);
  r.attempt = w.attempt(r.job);
  std::vector<int> nodes;
  for (std::uint32_t i = 1; i <= spec.nodes; ++i) nodes.push_back(static_cast<int>(i));
  w.prepared(r.job, nodes);
  EXPECT_EQ(w.state(r.job), JobState::running);
  return r;
}

}  // namespace

TEST(Gang, ABadExitStopsAllAndNamesTheCulprit) {
  World w;
  w.fleet(3);
  const auto [job, a] = running(w, World::spec(3));
  w.sent.clear();
  w.ends(a, 2, 1, RankState::exited, 3, "Traceback: boom");
  for (int i = 1; i <= 3; ++i) {
    const auto stop = w.order<StopAttempt>(i);
    ASSERT_TRUE(stop.has_value());
    EXPECT_EQ(stop->blame.code, Code::peer_exit);
    EXPECT_EQ(stop->blame.rank, 1u);
    EXPECT_EQ(stop->blame.node_name, "n2");
    EXPECT_EQ(stop->blame.last_lines, "Traceback: boom");
  }
  EXPECT_EQ(w.state(job), JobState::stopping);
  w.ends(a, 1, 0, RankState::stopped, 15);
  w.ends(a, 3, 2, RankState::exited, 1);  // a victim's code never counts
  w.gone(a, {1, 2});
  EXPECT_EQ(w.state(job), JobState::stopping) << "a node is not cleared yet";
  w.gone(a, {3});
  EXPECT_EQ(w.state(job), JobState::failed);
  EXPECT_EQ(w.show(job).job.exit_code, 3);
  const Why why = w.ok<Why>(3, WhyJob{job});
  EXPECT_NE(why.summary.find("rank 1 (n2) exited with 3"), std::string::npos) << why.summary;
  EXPECT_EQ(why.blame.last_lines, "Traceback: boom");
}

TEST(Gang, ASignalOutranksAnExitThatItCaused) {
  World w;
  w.fleet(2);
  const auto [job, a] = running(w, World::spec(2));
  w.ends(a, 1, 0, RankState::exited, 1);
  w.pass(milliseconds(100));
  w.sent.clear();
  w.ends(a, 2, 1, RankState::killed, 9);
  ASSERT_TRUE(w.order<StopAttempt>(1).has_value()) << "they are told the better explanation";
  w.gone(a, {1, 2});
  EXPECT_EQ(w.show(job).job.exit_code, 137);
}

TEST(Gang, ADeathLongAfterTheStopIsAVictims) {
  World w;
  w.fleet(2);
  const auto [job, a] = running(w, World::spec(2));
  w.ends(a, 1, 0, RankState::exited, 4);
  w.pass(seconds(5));
  w.ends(a, 2, 1, RankState::killed, 9);
  w.gone(a, {1, 2});
  EXPECT_EQ(w.show(job).job.exit_code, 4);
}

TEST(Gang, LeavingEarlyIsReportedAsSuch) {
  World w;
  w.fleet(2);
  const auto [job, a] = running(w, World::spec(2));
  w.sent.clear();
  w.ends(a, 2, 1, RankState::exited, 0);
  ASSERT_TRUE(w.order<PeerEnded>(1).has_value());
  EXPECT_EQ(w.order<PeerEnded>(1)->who.rank, 1u);
  EXPECT_FALSE(w.order<PeerEnded>(2).has_value()) << "its own worker knows";
  EXPECT_EQ(w.state(job), JobState::running);
  w.report(1, RankBlames{a, 1, 0, 1, Code::peer_left, "all_reduce 7"});
  EXPECT_EQ(w.state(job), JobState::stopping);
  w.gone(a, {1, 2});
  const JobView view = w.show(job);
  EXPECT_EQ(view.job.state, JobState::failed);
  EXPECT_EQ(view.job.exit_code, 1);
  EXPECT_EQ(view.attempts.back().blame.code, Code::peer_left);
  EXPECT_EQ(view.ends[1].state, RankState::left_early);
}

TEST(Gang, AnAccusedRankIsBlamedOnlyIfItsWorkerSaysNothing) {
  World w;
  w.fleet(2);
  const auto [job, a] = running(w, World::spec(2));
  w.report(1, RankBlames{a, 1, 0, 1, Code::peer_unreachable, "silence"});
  w.ends(a, 1, 0, RankState::exited, 1);  // it died of it
  EXPECT_EQ(w.state(job), JobState::running) << "the culprit's worker may still explain";
  w.ends(a, 2, 1, RankState::killed, 11);
  w.gone(a, {1, 2});
  EXPECT_EQ(w.show(job).job.exit_code, 139);

  const auto [second, b] = running(w, World::spec(2));
  w.report(1, RankBlames{b, w.show(second).attempts.back().generation, 0, 1, Code::peer_unreachable,
                         "silence"});
  w.pass(limits::blame_patience);
  EXPECT_EQ(w.state(second), JobState::stopping);
  EXPECT_EQ(w.show(second).attempts.back().blame.code, Code::peer_unreachable);
}

TEST(Gang, BlameFromAnOldGenerationIsIgnored) {
  World w;
  w.fleet(2);
  const auto [job, a] = running(w, World::spec(2));
  w.report(1, RankBlames{a, 99, 0, 1, Code::op_mismatch, "old"});
  w.pass(seconds(2));
  EXPECT_EQ(w.state(job), JobState::running);
}

TEST(Gang, ASilentNodeIsCreditedFromItsLastSignAndTheJobIsQueuedAgain) {
  World w;
  w.fleet(3);
  const auto [job, a] = running(w, World::spec(2));
  w.pass(minutes(10));
  const SessionId quiet = w.sessions[2];
  w.sessions.erase(2);
  for (int i = 0; i < 12; ++i) {
    w.now = w.now + milliseconds(500);
    w.step(SessionsAlive{w.alive()});
    w.step(TimePassed{});
  }
  EXPECT_EQ(w.state(job), JobState::stopping);
  w.gone(a, {1});
  const JobView view = w.show(job);
  EXPECT_EQ(view.job.state, JobState::queued);
  EXPECT_EQ(view.job.restarts, 1u);
  EXPECT_EQ(view.attempts.back().outcome, Outcome::lost);
  EXPECT_EQ(view.attempts.back().blame.code, Code::node_silent);
  EXPECT_EQ(view.attempts.back().blame.node_name, "n2");
  const Bill bill = w.ok<Bill>(3, AskBill{job, {}});
  EXPECT_EQ(to_string(bill.total), "0.666666")
      << "10 min x 2 nodes x $2.00 until it was last heard";
  // After the back-off it runs on the nodes that are left.
  w.pass(seconds(6));
  EXPECT_EQ(w.state(job), JobState::starting);
  EXPECT_EQ(w.show(job).nodes, (std::vector<std::string>{"n1", "n3"}));
  // The lost node comes back with the old ranks: they are stopped, and it is not used before.
  w.sessions[2] = quiet;
  w.sent.clear();
  w.join(2, {Holding{a, true, false, {}, {}}});
  EXPECT_TRUE(w.order<StopAttempt>(2).has_value());
  const JobId more = w.submit(World::spec(1));
  EXPECT_EQ(w.state(more), JobState::queued);
  w.gone(a, {2});
  EXPECT_EQ(w.state(more), JobState::starting);
}

TEST(Gang, AStalledBrokerBlamesNobody) {
  World w;
  w.fleet(2);
  const auto [job, a] = running(w, World::spec(2));
  w.now = w.now + seconds(30);  // frozen: no step in between
  w.step(TimePassed{});
  EXPECT_EQ(w.state(job), JobState::running);
  w.step(SessionsAlive{w.alive()});
  w.pass(seconds(10));
  EXPECT_EQ(w.state(job), JobState::running);
}

TEST(Gang, AFailingRankRestartsTheGangOnItsLease) {
  World w;
  w.fleet(2);
  JobSpec spec = World::spec(2);
  spec.restart.on_exit = true;
  spec.restart.max = 1;
  const auto [job, a] = running(w, spec);
  w.ends(a, 1, 0, RankState::exited, 7);
  w.gone(a, {1, 2});
  EXPECT_EQ(w.state(job), JobState::starting);
  EXPECT_EQ(w.attempt(job), a) << "the back-off is not over";
  EXPECT_EQ(w.node(1).meter, MeterClass::billed) << "user code failed: the lease is theirs";
  w.pass(seconds(5));
  const AttemptId b = w.attempt(job);
  EXPECT_NE(b, a);
  EXPECT_EQ(w.show(job).attempts.back().number, 2u);
  w.prepared(job, {1, 2});
  EXPECT_EQ(w.state(job), JobState::running);
  w.ends(b, 1, 0, RankState::exited, 8);
  w.gone(b, {1, 2});
  EXPECT_EQ(w.state(job), JobState::failed) << "one restart was allowed";
  EXPECT_EQ(w.show(job).job.exit_code, 8);
  EXPECT_EQ(w.ok<Bill>(3, AskBill{job, {}}).leases.size(), 1u);
}

TEST(Launch, ARefusalIsRetriedElsewhereAndNothingIsBilled) {
  World w;
  w.fleet(2);
  const JobId job = w.submit(World::spec(1));
  const AttemptId a = w.attempt(job);
  EXPECT_EQ(w.show(job).nodes, std::vector<std::string>{"n1"});
  w.report(1, Prepared{a, Code::launch_refused, "no room in the cgroup"});
  w.gone(a, {1});
  EXPECT_EQ(w.state(job), JobState::starting);
  EXPECT_EQ(w.show(job).nodes, std::vector<std::string>{"n2"}) << "n1 is in quarantine";
  EXPECT_EQ(w.ok<Bill>(3, AskBill{job, {}}).total.micros, 0);
}

TEST(Launch, ThreeRefusalsEndTheJob) {
  World w;
  w.fleet(1);
  const JobId job = w.submit(World::spec(1));
  for (int i = 0; i < 3; ++i) {
    const AttemptId a = w.attempt(job);
    w.report(1, Prepared{a, Code::launch_refused, "no room"});
    w.gone(a, {1});
    w.pass(limits::quarantine);
  }
  EXPECT_EQ(w.state(job), JobState::failed);
  EXPECT_EQ(w.show(job).job.exit_code, 125);
  EXPECT_EQ(w.show(job).attempts.size(), 3u);
}

TEST(Launch, AMissingProgramIsTheUsersAndNotRetried) {
  World w;
  w.fleet(1);
  const JobId job = w.submit(World::spec(1));
  const AttemptId a = w.attempt(job);
  w.report(1, Prepared{a, Code::launch_workdir, "no such directory: /data"});
  w.gone(a, {1});
  EXPECT_EQ(w.state(job), JobState::failed);
  EXPECT_NE(w.ok<Why>(3, WhyJob{job}).summary.find("/data"), std::string::npos);
}

TEST(Launch, WhoDoesNotPrepareIsNamed) {
  World w;
  w.fleet(2);
  const JobId job = w.submit(World::spec(2));
  w.report(1, Prepared{w.attempt(job), Code::none, ""});
  w.sent.clear();
  w.pass(limits::order_repeat);
  EXPECT_TRUE(w.order<Prepare>(2).has_value()) << "said again";
  EXPECT_FALSE(w.order<Prepare>(1).has_value());
  w.pass(limits::prepare_time_max);
  const Blame blame = w.show(job).attempts.back().blame;
  EXPECT_EQ(blame.code, Code::launch_timeout);
  EXPECT_EQ(blame.node_name, "n2");
}

TEST(Cancel, InEveryState) {
  World w;
  w.fleet(1);
  const JobId held = w.ok<Submitted>(3, SubmitJob{World::spec(1), true, false}).job;
  EXPECT_EQ(w.state(held), JobState::held);
  w.ok<Done>(3, CancelJob{held});
  EXPECT_EQ(w.state(held), JobState::cancelled);

  const JobId preparing = w.submit(World::spec(1)), queued = w.submit(World::spec(1));
  EXPECT_EQ(w.state(queued), JobState::queued);
  w.ok<Done>(3, CancelJob{queued});
  EXPECT_EQ(w.state(queued), JobState::cancelled);
  const AttemptId a = w.attempt(preparing);
  w.ok<Done>(3, CancelJob{preparing});
  EXPECT_EQ(w.state(preparing), JobState::stopping);
  w.gone(a, {1});
  EXPECT_EQ(w.state(preparing), JobState::cancelled);

  const auto [job, b] = running(w, World::spec(1));
  w.ok<Done>(3, CancelJob{job});
  w.ends(b, 1, 0, RankState::stopped, 15);
  w.gone(b, {1});
  EXPECT_EQ(w.state(job), JobState::cancelled);
  EXPECT_EQ(w.refused(3, CancelJob{job}), Code::job_ended);
}

TEST(TimeLimit, TheGangIsStoppedInTimeAndNothingIsBilledBeyondTheTerm) {
  World w;
  w.fleet(1);
  const auto [job, a] = running(w, World::spec(1, minutes(2)));
  w.sent.clear();
  w.pass(minutes(2) - limits::stop_grace - milliseconds(1));
  EXPECT_EQ(w.state(job), JobState::running);
  w.sent.clear();
  w.pass(milliseconds(1));
  ASSERT_TRUE(w.order<StopAttempt>(1).has_value());
  EXPECT_EQ(w.order<StopAttempt>(1)->cause, Cause::time_limit);
  EXPECT_EQ(w.state(job), JobState::stopping);
  w.pass(minutes(1));  // the worker is late
  w.gone(a, {1});
  EXPECT_EQ(w.state(job), JobState::expired);
  EXPECT_EQ(w.show(job).job.exit_code, 124);
  EXPECT_EQ(w.ok<Bill>(3, AskBill{job, {}}).total,
            cost_ceil(Price{2'000'000}, 1, minutes(2)) - Money{1})
      << "two minutes, rounded down";
}

TEST(Restart, OrdersAreStateAndAreGivenAgain) {
  World w;
  w.fleet(2);
  const JobId job = w.submit(World::spec(2));
  const AttemptId a = w.attempt(job);
  w.report(1, Prepared{a, Code::none, ""});
  w.restart();
  w.sent.clear();
  w.join(1, {Holding{a, false, false, {}, {}}});
  w.join(2);
  EXPECT_TRUE(w.order<Prepare>(1).has_value());
  EXPECT_TRUE(w.order<Prepare>(2).has_value());
  w.prepared(job, {1, 2});
  EXPECT_EQ(w.state(job), JobState::running);
  w.restart(true);
  w.sent.clear();
  w.join(1, {Holding{a, true, false, {}, {9, 9}}});
  EXPECT_FALSE(w.order<Go>(1).has_value());
  w.join(2, {Holding{a, false, false, {}, {}}});
  EXPECT_TRUE(w.order<Go>(2).has_value()) << "GO was journaled: it is sent again";
  ASSERT_TRUE(w.order<MeshSeed>(2).has_value()) << "what worker 1 told at its Join";
  EXPECT_EQ(w.order<MeshSeed>(2)->address, (std::vector<std::uint8_t>{9, 9}));
  for (const Send& s : w.sent)
    if (std::holds_alternative<Order>(s.envelope.body)) {
      EXPECT_EQ(s.envelope.epoch, w.epoch);
    }
  EXPECT_EQ(w.state(job), JobState::running);
  w.join(2, {});  // it has lost its ranks
  EXPECT_EQ(w.state(job), JobState::stopping);
  EXPECT_EQ(w.show(job).attempts.back().blame.code, Code::worker_lost);
}

TEST(Restart, EndsThatHappenedMeanwhileAreTakenIn) {
  World w;
  w.fleet(1);
  const auto [job, a] = running(w, World::spec(1));
  w.restart();
  RankReport ended{0, true, {0, RankState::exited, 0, false, ""}};
  w.join(1, {Holding{a, true, true, {ended}, {}}});
  EXPECT_TRUE(w.order<Forget>(1).has_value());
  EXPECT_EQ(w.state(job), JobState::succeeded);
  EXPECT_EQ(w.node(1).meter, MeterClass::idle);
}

TEST(Sessions, ANewProcessSupersedesTheOldOne) {
  World w;
  w.fleet(1);
  const SessionId old = w.sessions[1];
  w.sent.clear();
  w.join(1, {}, 77);
  bool dismissed = false;
  for (const Send& s : w.sent)
    if (s.session == old)
      if (const auto* o = std::get_if<Order>(&s.envelope.body))
        if (const auto* d = std::get_if<Dismissed>(&o->body))
          dismissed = d->code == Code::worker_superseded;
  EXPECT_TRUE(dismissed);
  w.sent.clear();
  w.join(1, {}, 1001);  // the old process tries again
  ASSERT_TRUE(w.order<Dismissed>(1).has_value());
  EXPECT_EQ(w.order<Dismissed>(1)->code, Code::worker_superseded);
  EXPECT_EQ(w.node(1).incarnation.value, 77u);
}

// A worker that lost a connection before its Join was read, and has joined again: what it said
// first may be read last, and knows nothing of the ranks launched since.
TEST(Sessions, TheJoinOfAnOlderConnectionOfTheSameProcessIsNoNews) {
  World w;
  const std::uint64_t before = w.sequence + 1;
  w.sequence += 5;
  w.fleet(2);
  const auto [job, a] = running(w, World::spec(2));
  Envelope late;
  late.incarnation = {w.incarnations[1]};
  late.sequence = before;
  Join join;
  join.node_name = "n1";
  join.inventory.cores = 4;
  late.body = Report{join};
  w.sent.clear();
  w.step(MessageCame{{77'000}, key_of(World::worker_key(1)), late, {}});
  EXPECT_EQ(w.state(job), JobState::running);
  EXPECT_EQ(w.show(job).attempts.back().id, a);
  EXPECT_FALSE(w.order<Welcome>(1).has_value());
  // Also where the broker has restarted and seen nothing but the newer one.
  w.restart();
  w.join(1, {Holding{a, true, false, {}, {}}});
  late.sequence = before + 1;
  w.step(MessageCame{{77'001}, key_of(World::worker_key(1)), late, {}});
  EXPECT_EQ(w.state(job), JobState::running);
}

TEST(Sessions, AWorkerThatKnowsANewerBrokerIsNotOrderedAbout) {
  World w;
  w.fleet(1);
  Join join;
  join.node_name = "n1";
  join.epoch_seen = {99};
  w.sessions[1] = {5};
  w.sent.clear();
  w.report(1, join);
  ASSERT_TRUE(w.order<Dismissed>(1).has_value());
  EXPECT_EQ(w.order<Dismissed>(1)->code, Code::epoch_fenced);
}

}  // namespace weft::broker::testing
