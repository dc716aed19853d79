#include <algorithm>

#include "broker/core/authorise.hpp"
#include "broker/jobs/validate.hpp"
#include "tests/unit/broker/world.hpp"

namespace weft::broker::testing {

TEST(Idempotency, OneKeyOneEffectAlsoAfterARestart) {
  World w;
  w.fleet(1);
  const RequestKey key = request_key(900);
  const SubmitJob ask{World::spec(1), false, false};
  const auto first = std::get<Submitted>(w.ask(3, ask, key));
  EXPECT_EQ(std::get<Submitted>(w.ask(3, ask, key)), first);
  w.restart();
  EXPECT_EQ(std::get<Submitted>(w.ask(3, ask, key)), first);
  w.restart(true);
  EXPECT_EQ(std::get<Submitted>(w.ask(3, ask, key)), first);
  EXPECT_EQ(w.ok<JobList>(3, ListJobs{true, 10}).jobs.size(), 1u);

  SubmitJob other = ask;
  other.spec.nodes = 2;
  EXPECT_EQ(std::get<Refused>(w.ask(3, other, key)).code, Code::idem_conflict);
  EXPECT_NE(std::get<Submitted>(w.ask(4, ask, key)).job, first.job)
      << "another principal's key is another key";
  EXPECT_EQ(std::get<Refused>(w.ask(3, ask, RequestKey{})).code, Code::usage);
  // What was refused was not done: the same key may be used once it can be.
  const RequestKey later = request_key(901);
  const RevokeKey revoke{"nobody"};
  EXPECT_EQ(std::get<Refused>(w.ask(1, revoke, later)).code, Code::auth_unknown_key);
  w.enroll(9, Role::customer, "nobody", "acme");
  EXPECT_TRUE(std::holds_alternative<KeyList>(w.ask(1, revoke, later)));
}

TEST(Idempotency, AnswersExpireByTheJournalsTimeAlone) {
  World w;
  w.fleet(0);
  const RequestKey key = request_key(900);
  const SubmitJob ask{World::spec(1), false, false};
  const auto first = std::get<Submitted>(w.ask(3, ask, key));
  w.now = w.now + limits::request_kept_for + hours(1);
  w.submit(World::spec(1));
  EXPECT_NE(std::get<Submitted>(w.ask(3, ask, key)).job, first.job);
  w.check();
}

TEST(Strangers, ChangeNothingAndLearnNothing) {
  World w;
  w.fleet(1);
  const JobId job = w.submit(World::spec(1));
  EXPECT_EQ(w.refused(77, Hello{}), Code::auth_unknown_key);
  for (const RequestBody& body : std::vector<RequestBody>{
           ShowJob{job}, WhyJob{job}, CancelJob{job}, WaitJob{job, {}}, SignalJob{job, -1, 15},
           ReadLog{job, 0, 0, false, 0, 10, {}}, AskBill{job, {}}, ReadEvents{{}, job, 1, {}}}) {
    const auto theirs = std::get<Refused>(w.ask(4, body));
    EXPECT_EQ(theirs.code, Code::job_unknown);
    EXPECT_EQ(theirs.detail, "job " + std::to_string(job.value) + " is not known");
  }
  EXPECT_EQ(w.refused(4, AskBill{{}, {1}}), Code::lease_unknown);
  EXPECT_EQ(w.refused(4, ReleaseLease{{1}}), Code::lease_unknown);
  EXPECT_EQ(w.refused(4, ReadJournal{{}, {1}}), Code::lease_unknown);
  EXPECT_EQ(w.refused(4, ReadJournal{}), Code::auth_denied);
  EXPECT_TRUE(w.ok<JobList>(4, ListJobs{true, 10}).jobs.empty());
  for (const EventLine& e : w.ok<Events>(4, ReadEvents{{}, {}, 1'000, {}}).events)
    EXPECT_NE(e.kind, "job");
  for (const Node& n : w.ok<NodeList>(4, ListNodes{}).nodes) {
    EXPECT_EQ(n.principal, Principal{});
    EXPECT_FALSE(n.lease);
  }
  EXPECT_EQ(w.refused(World::worker_key(1), SubmitJob{World::spec(1), false, false}),
            Code::auth_denied);
  EXPECT_EQ(w.refused(3, Deposit{"acme", Money{1}}), Code::auth_denied);
  EXPECT_EQ(w.refused(2, SubmitJob{World::spec(1), false, false}), Code::auth_denied);
  EXPECT_EQ(w.refused(3, EnrollKey{}), Code::auth_denied);
  // A customer's key that sends reports is thrown out.
  Envelope e;
  e.incarnation = {5};
  e.body = Report{ReportBody{Join{"n1", {}, {}, {}}}};
  const Step s = w.step(MessageCame{{4}, key_of(4), e, {}});
  EXPECT_TRUE(s.facts.empty());
  EXPECT_TRUE(std::any_of(s.effects.begin(), s.effects.end(),
                          [](const Effect& x) { return std::holds_alternative<Disconnect>(x); }));
}

TEST(Keys, EnrollRevokeAndTheLastOperator) {
  World w;
  w.fleet(2);
  EXPECT_EQ(w.refused(1, EnrollKey{{key_of(3), Role::customer, "ann2", "acme", false}}),
            Code::auth_exists);
  EXPECT_EQ(w.refused(1, EnrollKey{{key_of(50), Role::customer, "ann", "acme", false}}),
            Code::auth_exists);
  EXPECT_EQ(w.refused(1, EnrollKey{{key_of(50), Role::customer, "Ann!", "acme", false}}),
            Code::usage);
  EXPECT_EQ(w.refused(1, EnrollKey{{Principal{}, Role::customer, "x", "acme", false}}),
            Code::usage);
  EXPECT_EQ(w.refused(1, RevokeKey{"operator"}), Code::state_illegal);
  const JobId job = w.submit(World::spec(2));
  w.prepared(job, {1, 2});
  w.sent.clear();
  Envelope revoke;
  revoke.key = request_key(12'345);
  revoke.body = Request{RequestBody{RevokeKey{"n2"}}};
  const Step s = w.step(MessageCame{{1}, key_of(1), revoke, {}});
  bool allowed = false, closed = false;
  for (const Effect& effect : s.effects) {
    if (const auto* allow = std::get_if<Allow>(&effect))
      for (const KeyEntry& k : allow->keys) allowed |= k.name == "n2";
    if (const auto* d = std::get_if<Disconnect>(&effect)) closed |= d->session == w.sessions[2];
  }
  EXPECT_FALSE(allowed);
  EXPECT_TRUE(closed);
  EXPECT_EQ(w.state(job), JobState::stopping) << "its node is gone";
  EXPECT_EQ(w.refused(World::worker_key(2), Hello{}), Code::auth_unknown_key);
}

TEST(Authorisation, WorkersMayAskForNothing) {
  std::size_t asked = 0;
  const auto each = [&]<std::size_t... I>(std::index_sequence<I...>) {
    (..., [&] {
      RequestBody body;
      body.emplace<I>();
      EXPECT_FALSE(authorise(Role::worker, body).has_value()) << I;
      EXPECT_EQ(authorise(Role::operator_, body).has_value(), I != 0) << I;
      ++asked;
    }());
  };
  each(std::make_index_sequence<std::variant_size_v<RequestBody>>{});
  EXPECT_EQ(asked, std::variant_size_v<RequestBody>);
}

TEST(Spec, WhatIsWrongIsNamed) {
  struct Case {
    Code code;
    const char* names;
    void (*spoil)(JobSpec&);
  };
  const Case cases[] = {
      {Code::spec_version, "weft: 2", [](JobSpec& s) { s.version = 2; }},
      {Code::spec_range, "name: 'A b'", [](JobSpec& s) { s.name = "A b"; }},
      {Code::spec_range, "priority: 101", [](JobSpec& s) { s.priority = 101; }},
      {Code::spec_range, "nodes: 0", [](JobSpec& s) { s.nodes = 0; }},
      {Code::spec_range, "gpus_per_node: 65", [](JobSpec& s) { s.gpus_per_node = 65; }},
      {Code::spec_range, "ranks_per_node: 300", [](JobSpec& s) { s.ranks_per_node = 300; }},
      {Code::spec_range, "nodes x ranks_per_node",
       [](JobSpec& s) { s.nodes = 60'000, s.ranks_per_node = 2; }},
      {Code::spec_range, "time: 5s", [](JobSpec& s) { s.time = seconds(5); }},
      {Code::spec_range, "logs.console: rank 9", [](JobSpec& s) { s.console_ranks = {9}; }},
      {Code::spec_price_missing, "max_price", [](JobSpec& s) { s.has_price_max = false; }},
      {Code::spec_range, "lease.max_price", [](JobSpec& s) { s.price_max = Price{-1}; }},
      {Code::spec_range, "lease.cost_cap", [](JobSpec& s) { s.cost_cap = Money{-1}; }},
      {Code::spec_range, "lease.notice: 5s", [](JobSpec& s) { s.notice = seconds(5); }},
      {Code::spec_range, "lease.keep", [](JobSpec& s) { s.keep = hours(25); }},
      {Code::spec_conflict, "lease.use", [](JobSpec& s) { s.use_lease = {1}; }},
      {Code::spec_range, "restart.max", [](JobSpec& s) { s.restart.max = 1'001; }},
      {Code::spec_range, "checkpoint.signal: 9", [](JobSpec& s) { s.checkpoint_signal = 9; }},
      {Code::spec_range, "comm.backend: 'mpi'", [](JobSpec& s) { s.backend = "mpi"; }},
      {Code::spec_reserved, "env.WEFT_RANK", [](JobSpec& s) { s.env = {{"WEFT_RANK", "1"}}; }},
      {Code::spec_reserved, "env.MASTER_ADDR", [](JobSpec& s) { s.env = {{"MASTER_ADDR", "x"}}; }},
      {Code::spec_range, "env: '1X'", [](JobSpec& s) { s.env = {{"1X", ""}}; }},
      {Code::spec_duplicate, "env.A", [](JobSpec& s) { s.env = {{"A", "1"}, {"A", "2"}}; }},
      {Code::spec_missing, "run: missing", [](JobSpec& s) { s.run = {}; }},
      {Code::spec_range, "workdir: 'data'", [](JobSpec& s) { s.workdir = "data"; }},
      {Code::spec_conflict, "checkpoint.grace", [](JobSpec& s) { s.checkpoint_grace = hours(1); }},
      {Code::spec_size, "run, env and labels",
       [](JobSpec& s) { s.run.assign(40, std::string(8'000, 'x')); }},
  };
  EXPECT_TRUE(jobs::resolve(World::spec(1), {false}).has_value());
  for (const Case& c : cases) {
    JobSpec spec = World::spec(1);
    c.spoil(spec);
    const auto out = jobs::resolve(spec, {false});
    ASSERT_FALSE(out.has_value()) << c.names;
    EXPECT_EQ(out.error().code, c.code) << c.names;
    EXPECT_NE(out.error().detail.find(c.names), std::string::npos) << out.error().detail;
  }
}

TEST(Waiting, ForAJobForEventsAndForALog) {
  World w;
  w.fleet(1);
  const JobId job = w.submit(World::spec(1));
  const AttemptId a = w.attempt(job);
  const RequestKey wait = request_key(1'001), log = request_key(1'002), events = request_key(1'003);
  const Seq last = w.ok<Events>(3, ReadEvents{{}, {}, 10'000, {}}).last;
  EXPECT_TRUE(std::holds_alternative<std::monostate>(w.ask(3, WaitJob{job, seconds(10)}, wait)));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(
      w.ask(3, ReadLog{job, 0, 0, false, 0, 100, seconds(10)}, log)));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(
      w.ask(3, ReadEvents{last, {}, 100, seconds(10)}, events)));
  w.sent.clear();
  w.report(1, Prepared{a, Code::none, ""});
  ASSERT_TRUE(std::holds_alternative<Events>(w.reply_to(events)));
  const auto fetch = w.order<FetchLog>(1);
  ASSERT_TRUE(fetch.has_value()) << "it runs: its log can be asked for";
  LogChunk chunk{0, 5, {'h', 'e', 'l', 'l', 'o'}, false};
  w.report(1, LogPiece{fetch->ticket, Code::none, "", chunk});
  EXPECT_EQ(w.reply_to(log), ReplyBody{chunk});
  w.sent.clear();
  w.ends(a, 1, 0, RankState::exited, 0);
  ASSERT_TRUE(std::holds_alternative<JobView>(w.reply_to(wait)));
  EXPECT_EQ(std::get<JobView>(w.reply_to(wait)).job.state, JobState::succeeded);

  const JobId next = w.submit(World::spec(1));
  w.ask(3, WaitJob{next, seconds(10)}, wait);
  w.pass(seconds(10));
  ASSERT_TRUE(std::holds_alternative<JobView>(w.reply_to(wait)))
      << "answered as it is when its time is over";
  w.sessions.erase(1);
  w.ask(3, ReadLog{job, 1, 0, false, 0, 100, seconds(1)}, log);
  w.pass(seconds(7), false);
  ASSERT_TRUE(std::holds_alternative<Refused>(w.reply_to(log)));
  EXPECT_EQ(std::get<Refused>(w.reply_to(log)).code, Code::worker_lost);
  EXPECT_EQ(w.refused(3, ReadLog{job, 0, 5, false, 0, 100, {}}), Code::rank_unknown);
}

TEST(Waiting, IsBoundedForOneKey) {
  World w;
  w.check_always = false;
  w.fleet(0);
  const JobId job = w.submit(World::spec(1));
  for (std::size_t i = 0; i < limits::waits_per_principal_max; ++i)
    w.ask(3, WaitJob{job, seconds(30)});
  EXPECT_EQ(w.refused(3, WaitJob{job, seconds(30)}), Code::limit_reached);
  w.step(SessionClosed{{3}});
  EXPECT_TRUE(std::holds_alternative<std::monostate>(w.ask(3, WaitJob{job, seconds(30)})));
}

TEST(Signals, GoToTheRanksOfARunningJob) {
  World w;
  w.fleet(2);
  const JobId job = w.submit(World::spec(2));
  EXPECT_EQ(w.refused(3, SignalJob{job, -1, 10}), Code::state_illegal);
  w.prepared(job, {1, 2});
  w.ok<Done>(3, SignalJob{job, 1, 10});
  EXPECT_FALSE(w.order<SignalRanks>(1).has_value());
  ASSERT_TRUE(w.order<SignalRanks>(2).has_value());
  EXPECT_EQ(w.refused(3, SignalJob{job, 2, 10}), Code::rank_unknown);
  EXPECT_EQ(w.refused(3, SignalJob{job, 0, 99}), Code::usage);
}

TEST(Hello, SaysWhoIsWho) {
  World w;
  w.fleet(1);
  const Info mine = w.ok<Info>(1, Hello{});
  EXPECT_EQ(mine.state, w.core.digest());
  EXPECT_EQ(mine.seq.value, w.seq);
  EXPECT_EQ(mine.epoch, w.epoch);
  EXPECT_EQ(mine.nodes_up, 1u);
  const Info theirs = w.ok<Info>(3, Hello{});
  EXPECT_EQ(theirs.account, "acme");
  EXPECT_EQ(theirs.state, Digest{}) << "the state's digest is the operator's";
}

}  // namespace weft::broker::testing
