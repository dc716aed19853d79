// The core with a journal beside it: every step's facts become a record, and a second core that
// replays those records must have the same digest. Requests and reports are made by name.
#pragma once
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "broker/core/core.hpp"

namespace weft::broker::testing {

inline Principal key_of(std::uint8_t n) {
  Principal p;
  p.data[0] = n;
  p.data[31] = 1;
  return p;
}
inline RequestKey request_key(std::uint64_t n) {
  RequestKey k;
  for (int i = 0; i < 8; ++i)
    k.data[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(n >> (8 * i));
  k.data[15] = 1;
  return k;
}

class World {
 public:
  explicit World(CoreConfig config = standard())
      : config_(config), core(config), shadow(config), now{1'700'000'000'000} {
    begin();
  }
  static CoreConfig standard() {
    CoreConfig c;
    c.price_default = Price{2'000'000};
    c.fee_bps = 500;
    return c;
  }

  // ---- time and events
  Step step(const Event& event) {
    Step s = core.step(now, event);
    if (!s.facts.empty()) {
      JournalRecord record;
      record.seq = {++seq};
      record.epoch = epoch;
      record.at = now;
      record.facts = s.facts;
      journal.push_back(record);
      shadow.replay(record);
    }
    for (Effect& e : s.effects) {
      if (auto* send = std::get_if<Send>(&e)) sent.push_back(*send);
      if (auto* ask = std::get_if<AskDriver>(&e)) asked.push_back(ask->order);
    }
    if (check_always && !s.facts.empty()) check();
    return s;
  }
  void check() {
    ASSERT_EQ(core.broken_invariant(), "");
    ASSERT_EQ(to_hex(shadow.digest()), to_hex(core.digest())) << "a replayed core differs";
  }
  // Lets time pass, with the timers that are due on the way; workers beat.
  void pass(Duration d, bool beat = true) {
    const Instant end = now + d;
    while (true) {
      Instant next = std::min(end, core.next_timer());
      if (beat) next = std::min(next, now + seconds(1));
      now = std::max(now, next);
      if (beat) step(SessionsAlive{alive()});
      step(TimePassed{});
      if (now >= end) return;
    }
  }
  void restart(bool from_snapshot = false) {  // kill -9: soft state is gone
    Core next(config_);
    if (from_snapshot) {
      const auto stored = decode_snapshot(encode(core.snapshot({seq})));
      ASSERT_TRUE(stored.has_value()) << stored.error().detail;
      next.restore(*stored);
    } else {
      for (const JournalRecord& r : journal) next.replay(r);
    }
    ASSERT_EQ(to_hex(next.digest()), to_hex(core.digest()))
        << (from_snapshot ? "snapshot" : "replay");
    core = next;
    shadow = next;
    sessions.clear();
    begin();
  }
  void begin() {
    epoch = {epoch.value + 1};
    KeyEntry op{key_of(1), Role::operator_, "operator", "house", false};
    step(Began{epoch, "test", {op}});
  }

  // ---- clients: session = principal's number
  ReplyBody ask(std::uint8_t who, RequestBody body, std::optional<RequestKey> key = {}) {
    const RequestKey k = key ? *key : request_key(next_key++);
    sent.clear();
    Envelope e;
    e.key = k;
    e.body = Request{std::move(body)};
    step(MessageCame{{who}, key_of(who), e, {}});
    return reply_to(k);
  }
  ReplyBody reply_to(const RequestKey& k) const {
    for (const Send& s : sent)
      if (const auto* reply = std::get_if<Reply>(&s.envelope.body); reply && s.envelope.key == k)
        return reply->body;
    return {};
  }
  template <class T>
  T ok(std::uint8_t who, RequestBody body) {
    const ReplyBody reply = ask(who, std::move(body));
    if (const auto* refused = std::get_if<Refused>(&reply)) {
      ADD_FAILURE() << to_string(refused->code) << ": " << refused->detail;
      return {};
    }
    const T* t = std::get_if<T>(&reply);
    if (!t) ADD_FAILURE() << "another reply: arm " << reply.index();
    return t ? *t : T{};
  }
  Code refused(std::uint8_t who, RequestBody body) {
    const ReplyBody reply = ask(who, std::move(body));
    const auto* r = std::get_if<Refused>(&reply);
    if (!r) ADD_FAILURE() << "not refused: arm " << reply.index();
    return r ? r->code : Code::none;
  }

  // ---- workers: names n1.. have key 100+i
  static std::uint8_t worker_key(int i) { return static_cast<std::uint8_t>(100 + i); }
  void join(int i, std::vector<Holding> holdings = {}, std::uint64_t incarnation = 0) {
    if (incarnation) incarnations[i] = incarnation;
    if (!incarnations.contains(i)) incarnations[i] = static_cast<std::uint64_t>(1000 + i);
    sessions[i] = {next_session++};
    Join j;
    j.node_name = "n" + std::to_string(i);
    j.epoch_seen = {epoch.value - 1};
    j.inventory.cores = 4;
    j.inventory.address = "10.0.0." + std::to_string(i);
    j.holdings = std::move(holdings);
    report(i, j);
  }
  void report(int i, ReportBody body) {
    Envelope e;
    e.incarnation = {incarnations[i]};
    e.sequence = ++sequence;
    e.body = Report{std::move(body)};
    step(MessageCame{sessions[i], key_of(worker_key(i)), e, {}});
  }
  std::vector<SessionId> alive() const {
    std::vector<SessionId> out;
    for (const auto& [i, s] : sessions) out.push_back(s);
    return out;
  }
  // The last order of a kind that was sent to worker i since sent was cleared.
  template <class T>
  std::optional<T> order(int i) const {
    std::optional<T> found;
    for (const Send& s : sent)
      if (sessions.contains(i) && s.session == sessions.at(i))
        if (const auto* o = std::get_if<Order>(&s.envelope.body))
          if (const T* t = std::get_if<T>(&o->body)) found = *t;
    return found;
  }

  // ---- short cuts
  // Keys of seller (2), customers acme (3) and other (4), workers; they join; one offer; money.
  void fleet(int nodes, Price floor = {}, Duration notice = {}) {
    enroll(2, Role::seller, "seller", "lab");
    enroll(3, Role::customer, "ann", "acme");
    enroll(4, Role::customer, "bob", "other");
    for (int i = 1; i <= nodes; ++i) {
      enroll(worker_key(i), Role::worker, "n" + std::to_string(i), "lab");
      join(i);
    }
    if (nodes) ok<OfferList>(2, PutOffer{{}, floor, notice, {}, {}});
    ok<Done>(1, Deposit{"acme", Money{100'000'000}});
    ok<Done>(1, Deposit{"other", Money{100'000'000}});
  }
  void enroll(std::uint8_t n, Role role, const std::string& name, const std::string& account) {
    ok<KeyList>(1, EnrollKey{{key_of(n), role, name, account, false}});
  }
  static JobSpec spec(std::uint32_t nodes, Duration time = hours(1)) {
    JobSpec s;
    s.name = "train";
    s.nodes = nodes;
    s.time = time;
    s.run = {"./train"};
    s.has_price_max = true;
    s.price_max = Price{5'000'000};
    s.restart.backoff = seconds(5);
    return s;
  }
  JobId submit(JobSpec s, std::uint8_t who = 3) {
    return ok<Submitted>(who, SubmitJob{std::move(s), false, false}).job;
  }
  JobView show(JobId job) { return ok<JobView>(1, ShowJob{job}); }
  JobState state(JobId job) { return show(job).job.state; }
  Node node(int i) {
    for (const Node& n : ok<NodeList>(1, ListNodes{}).nodes)
      if (n.name == "n" + std::to_string(i)) return n;
    return {};
  }
  AttemptId attempt(JobId job) { return show(job).job.attempt; }
  void prepared(JobId job, std::vector<int> nodes) {
    const AttemptId a = attempt(job);
    for (const int i : nodes) report(i, Prepared{a, Code::none, ""});
  }
  void ends(AttemptId a, int node, std::uint32_t rank, RankState state, int status,
            std::string lines = "") {
    report(node, RankGone{a, {rank, state, status, false, std::move(lines)}});
  }
  void gone(AttemptId a, std::vector<int> nodes) {
    for (const int i : nodes) report(i, AttemptGone{a});
  }

  CoreConfig config_;
  Core core, shadow;  // shadow: replays every record, decides nothing
  Instant now;
  Epoch epoch;
  std::uint64_t seq = 0, next_key = 1, next_session = 10'000, sequence = 0;
  std::vector<JournalRecord> journal;
  std::vector<Send> sent;
  std::vector<DriverOrderBody> asked;  // of the fabric driver
  std::map<int, SessionId> sessions;
  std::map<int, std::uint64_t> incarnations;
  bool check_always = true;
};

}  // namespace weft::broker::testing
