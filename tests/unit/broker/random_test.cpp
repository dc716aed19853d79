// Random histories: whatever workers and clients say, in whatever order, no promise is broken and
// a replayed core has the same digest after every step. Repeat one with WEFT_SEED.
#include <random>

#include "tests/unit/broker/world.hpp"

namespace weft::broker::testing {
namespace {

class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed) {
    w.check_always = false;
    w.fleet(workers, Price{1'500'000}, below(2) ? seconds(60) : Duration{});
  }
  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      act();
      ASSERT_EQ(w.core.broken_invariant(), "") << "step " << i;
      if (i % 8 == 0) {
        ASSERT_EQ(to_hex(w.core.digest()), to_hex(w.shadow.digest())) << "step " << i;
      }
    }
  }

  World w;

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  int some_worker() { return 1 + static_cast<int>(below(workers)); }
  std::uint8_t some_customer() { return static_cast<std::uint8_t>(3 + below(2)); }

  void act() {
    switch (below(20)) {
      case 0:
      case 1:
      case 2: return submit();
      case 3: w.ask(some_customer(), CancelJob{{1 + below(jobs_ + 1)}}); return;
      case 4: return market();
      case 5: return w.pass(milliseconds(static_cast<std::int64_t>(below(4'000))), !one_in(4));
      case 6: return w.pass(minutes(static_cast<std::int64_t>(below(90))));
      case 7: return trouble();
      case 8: return reads();
      default: return worker_speaks();
    }
  }

  void submit() {
    JobSpec s = World::spec(static_cast<std::uint32_t>(1 + below(workers)),
                            minutes(static_cast<std::int64_t>(1 + below(180))));
    s.ranks_per_node = static_cast<std::uint32_t>(1 + below(2));
    s.priority = static_cast<std::int32_t>(below(3)) - 1;
    s.restart.on_exit = one_in(2);
    s.restart.max = static_cast<std::uint32_t>(below(3));
    s.notice = one_in(2) ? seconds(30) : Duration{};
    if (one_in(5)) s.keep = minutes(5);
    if (one_in(6)) s.start_by = minutes(10);
    if (one_in(6)) s.cost_cap = Money{5'000'000};
    if (one_in(6) && leases_) {
      s.use_lease = {1 + below(leases_)};
      s.has_price_max = false;
      s.cost_cap = {};
      s.notice = s.start_by = {};
    }
    const RequestKey key = one_in(8) ? last_key_ : request_key(w.next_key++);
    last_key_ = key;
    const auto reply = w.ask(some_customer(), SubmitJob{s, one_in(12), false}, key);
    if (const auto* done = std::get_if<Submitted>(&reply)) jobs_ = std::max(jobs_, done->job.value);
  }

  void market() {
    const auto who = some_customer();
    switch (below(7)) {
      case 0: {
        AskQuote q;
        q.nodes = static_cast<std::uint32_t>(1 + below(3));
        q.term = minutes(static_cast<std::int64_t>(5 + below(60)));
        q.notice = seconds(30);
        q.ttl = seconds(static_cast<std::int64_t>(1 + below(60)));
        const auto reply = w.ask(who, q);
        if (const auto* quoted = std::get_if<QuoteReply>(&reply)) quotes_ = quoted->quote.id.value;
        return;
      }
      case 1:
      case 2: {
        const auto reply = w.ask(who, AcceptQuote{{1 + below(quotes_ + 1)}});
        if (const auto* list = std::get_if<LeaseList>(&reply))
          leases_ = list->leases.front().id.value;
        return;
      }
      case 3: w.ask(who, DeclineQuote{{1 + below(quotes_ + 1)}}); return;
      case 4: w.ask(who, ReleaseLease{{1 + below(leases_ + 3)}}); return;
      case 5: w.ask(2, WithdrawOffer{{1 + below(4)}}); return;
      default:
        w.ask(2, PutOffer{{"n" + std::to_string(some_worker())},
                          Price{static_cast<std::int64_t>(below(3'000'000))},
                          one_in(2) ? seconds(60) : Duration{},
                          w.now + minutes(static_cast<std::int64_t>(below(20))),
                          one_in(2) ? Instant{}
                                    : w.now + minutes(static_cast<std::int64_t>(30 + below(200)))});
    }
  }

  void trouble() {
    switch (below(6)) {
      case 0: w.restart(one_in(2)); return;
      case 1: {
        GatewayLost lost{w.alive()};
        w.sessions.clear();
        w.step(lost);
        return;
      }
      case 2: {
        const int i = some_worker();
        if (w.sessions.contains(i)) w.step(SessionClosed{w.sessions[i]});
        w.sessions.erase(i);
        return;
      }
      default: {
        const int i = some_worker();
        std::vector<Holding> holdings;
        for (int n = static_cast<int>(below(3)); n > 0; --n) holdings.push_back(some_holding(i));
        w.join(i, holdings, one_in(4) ? 1 + below(50) : 0);
        return;
      }
    }
  }

  AttemptId some_attempt(int worker) {
    if (one_in(10)) return {1 + below(30)};
    const Snapshot s = w.core.snapshot({});
    AttemptId found;
    for (const Attempt& a : s.attempts)
      for (const NodeId node : a.nodes)
        if (node.value == static_cast<std::uint64_t>(worker)) found = a.id;
    return found;
  }
  RankEnd some_end() {
    RankEnd e;
    e.rank = static_cast<std::uint32_t>(below(8));
    e.state = one_in(3) ? static_cast<RankState>(1 + below(6)) : RankState::exited;
    e.status = one_in(3) ? 9 : 0;
    return e;
  }
  Holding some_holding(int worker) {
    Holding h{some_attempt(worker), one_in(2), one_in(4), {}, {}};
    if (one_in(2)) h.ranks.push_back({0, true, some_end()});
    if (one_in(2)) h.seed = {1, 2, 3};
    return h;
  }

  void worker_speaks() {
    const int i = some_worker();
    if (!w.sessions.contains(i)) return w.join(i);
    const AttemptId a = some_attempt(i);
    switch (below(10)) {
      case 0:
      case 1:
      case 2:
      case 3: return w.report(i, Prepared{a, one_in(12) ? Code::launch_refused : Code::none, "x"});
      case 4:
      case 5: return w.report(i, RankGone{a, some_end()});
      case 6:
      case 7: return w.report(i, AttemptGone{a});
      case 8: {
        RankBlames b{a,
                     one_in(2) ? 1u : 2u,
                     static_cast<std::uint32_t>(below(6)),
                     static_cast<std::uint32_t>(below(6)),
                     Code::peer_unreachable,
                     "silence"};
        return w.report(i, b);
      }
      default: return w.report(i, MeshSeed{a, 1, {1, 2}});
    }
  }

  void reads() {
    const auto who = static_cast<std::uint8_t>(1 + below(4));
    const JobId job{1 + below(jobs_ + 2)};
    w.ask(who, WhyJob{job});
    w.ask(who, WaitJob{job, seconds(static_cast<std::int64_t>(below(20)))});
    w.ask(who, ReadLog{job, 0, static_cast<std::uint32_t>(below(3)), false, 0, 1'000, seconds(5)});
    w.ask(who, AskBill{});
    w.ask(who, ListJobs{true, 100});
    w.ask(who, ReadEvents{{below(50)}, {}, 100, seconds(2)});
    w.ask(who, SubmitJob{World::spec(2), false, true});
  }

  static constexpr std::uint64_t workers = 5;
  std::mt19937_64 random_;
  std::uint64_t jobs_ = 0, quotes_ = 0, leases_ = 0;
  RequestKey last_key_ = request_key(7'777'777);
};

// What the histories have reached: a search that goes nowhere finds nothing.
struct Reached {
  std::map<std::string, int> jobs, leases, attempts, quotes, meters;
  void add(const std::vector<JournalRecord>& journal) {
    for (const JournalRecord& r : journal)
      for (const FactBox& box : r.facts) {
        if (const auto* f = std::get_if<JobMoved>(&box.fact))
          ++jobs[std::string(to_string(f->state))];
        if (const auto* f = std::get_if<LeaseMoved>(&box.fact))
          ++leases[std::string(to_string(f->state)) + "/" + std::string(to_string(f->cause))];
        if (const auto* f = std::get_if<AttemptMoved>(&box.fact))
          ++attempts[std::string(to_string(f->state)) + "/" + std::string(to_string(f->outcome))];
        if (const auto* f = std::get_if<QuotePut>(&box.fact))
          ++quotes[std::string(to_string(f->quote.state))];
        if (const auto* f = std::get_if<NodeMetered>(&box.fact))
          ++meters[std::string(to_string(f->meter))];
      }
  }
};

}  // namespace

TEST(RandomHistories, KeepEveryPromiseAndReplayToTheSameDigest) {
  const char* one = std::getenv("WEFT_SEED");
  const std::uint64_t first = one ? std::strtoull(one, nullptr, 10) : 1, count = one ? 1 : 60;
  Reached reached;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("repeat with WEFT_SEED=" + std::to_string(seed));
    History history(seed);
    history.run(400);
    if (::testing::Test::HasFatalFailure()) return;
    reached.add(history.w.journal);
  }
  if (one) return;
  for (const char* state : {"placing", "starting", "running", "stopping", "queued", "succeeded",
                            "failed", "cancelled", "expired", "unplaced"})
    EXPECT_GT(reached.jobs[state], 0) << state;
  for (const char* how : {"closed/done", "closed/cancel", "closed/time_limit", "closed/rank_failed",
                          "closed/node_lost", "closed/launch_failed", "closed/lease_end"})
    EXPECT_GT(reached.leases[how], 0) << how;
  for (const char* how : {"ended/succeeded", "ended/failed", "ended/lost", "ended/aborted",
                          "ended/cancelled", "ended/expired"})
    EXPECT_GT(reached.attempts[how], 0) << how;
  for (const char* state : {"open", "accepted", "lapsed", "declined", "void"})
    EXPECT_GT(reached.quotes[state], 0) << state;
  for (const char* meter : {"idle", "billed", "owner", "credited"})
    EXPECT_GT(reached.meters[meter], 0) << meter;
}

}  // namespace weft::broker::testing
