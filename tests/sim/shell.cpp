#include "tests/sim/shell.hpp"

#include <algorithm>

#include "base/planted.hpp"
#include "schemas/digest.hpp"
#include "tests/sim/audit.hpp"
#include "tests/sim/client.hpp"
#include "tests/sim/fabric.hpp"
#include "tests/sim/net.hpp"
#include "tests/sim/world.hpp"

namespace weft::sim {

Shell::Shell(World& world) : world_(world), random_(world.random.split()) {}
Shell::~Shell() = default;

Instant Shell::ledger_now() const { return std::max(last_ledger_, world_.now() + offset_); }

void Shell::feed(const broker::Event& event, const Principal& principal, const Blob& raw) {
  if (!running_ || world_.failed()) return;
  const Instant now = last_ledger_ = ledger_now();
  broker::Step step = core_->step(now, event);
  ++steps_;
  check(step);
  world_.fabric->decided(step.facts);
  if (const auto* came = std::get_if<broker::MessageCame>(&event)) check_repeat(*came, step);
  if (world_.failed()) return;
  if (!step.facts.empty()) append(now, std::move(step.facts), principal, raw);
  for (auto& effect : step.effects) held_.push_back({store_.appended(), std::move(effect)});
  release();
  if (!running_) return;  // killed while it sent
  arm_commit();
  arm_timer();
}

void Shell::check(const broker::Step& step) {
  world_.mix(step.facts.size() * 1'000 + step.effects.size());
  if (std::string broken = core_->broken_invariant(); !broken.empty())
    world_.fail("the core says: " + broken);
  // A step answers one message or a few timers: it may talk to every session, not more.
  const std::size_t bound = 64 + 16 * (world_.net->sessions() + world_.plan.workers);
  if (step.effects.size() > bound || step.facts.size() > bound)
    world_.fail(fmt::format("10: one step made {} facts and {} effects", step.facts.size(),
                            step.effects.size()));
  if (held_.size() > 200'000) world_.fail("10: the queue of held effects has no bound");
}

// One key of one principal, one effect. A key that was answered: the same request gets the same
// reply, another one is a conflict. A key that is new to this principal: what is granted is
// remembered.
void Shell::check_repeat(const broker::MessageCame& came, const broker::Step& step) {
  const auto* request = std::get_if<Request>(&came.envelope.body);
  if (!request || !changes_state(request->body)) return;
  const std::pair who(came.principal, came.envelope.key);
  const Audit::Answer* before = world_.audit->answer(came.principal, came.envelope.key);
  const bool known = before != nullptr || answered_.contains(who);
  bool remembered = false;
  for (const FactBox& box : step.facts)
    if (const auto* answered = std::get_if<Answered>(&box.fact))
      remembered = remembered || (answered->principal == who.first && answered->key == who.second);
  if (remembered) answered_.insert(who);
  for (const broker::Effect& effect : step.effects) {
    const auto* send = std::get_if<broker::Send>(&effect);
    if (!send || send->session != came.session || send->envelope.key != came.envelope.key) continue;
    const auto* reply = std::get_if<Reply>(&send->envelope.body);
    if (!reply) continue;
    const auto* refused = std::get_if<Refused>(&reply->body);
    const Code code = refused ? refused->code : Code::none;
    if (!known && code == Code::idem_conflict)
      world_.fail("3: a principal was refused for another's key");
    if (!known && !refused && !remembered)
      world_.fail("3: a request was granted and not remembered");
    // Revoked meanwhile, or a request that this role may never make.
    if (!before || code == Code::auth_unknown_key || code == Code::auth_denied) continue;
    const bool same = before->request == digest_of(*request);
    if (same && encode(*reply) != before->reply)
      world_.fail("3: a repeated request got another answer");
    if (!same && code != Code::idem_conflict)
      world_.fail("3: a key that was used for another request was accepted");
  }
}

void Shell::append(Instant now, std::vector<FactBox> facts, const Principal& principal,
                   const Blob& raw) {
  JournalRecord record;
  record.seq = {store_.appended().value + 1};
  record.epoch = store_.epoch();
  record.at = now;
  record.principal = principal;
  record.input = raw;
  record.facts = std::move(facts);
  store_.append(std::move(record));
  maybe_snapshot();
}

void Shell::maybe_snapshot() {
  if (!random_.chance(15)) return;
  Snapshot snapshot = core_->snapshot(store_.appended());
  broker::Core other(world_.plan.core);
  other.restore(snapshot);
  if (other.digest() != core_->digest()) world_.fail("a snapshot restores another state");
  store_.put_snapshot(std::move(snapshot));
  if (!world_.hostile() || !random_.chance(10 * world_.plan.crash_at_commit)) return;
  const std::uint64_t life = life_;
  world_.at({}, [this, life] {
    if (life == life_) crash(Branch::crash_snapshot);
  });
}

void Shell::arm_commit() {
  const std::size_t records = store_.begin_commit();
  if (records == 0) return;
  if (records > 2) world_.coverage.hit(Branch::big_batch);
  const auto& plan = world_.plan;
  Duration takes = random_.span(0, plan.commit_max.ms);
  if (world_.hostile() && random_.chance(plan.slow_commit)) {
    takes = random_.span(300, 3'000);
    world_.coverage.hit(Branch::slow_disk);
  }
  const std::uint64_t life = life_;
  if (world_.hostile() && random_.chance(plan.crash_at_commit / 3)) {
    world_.at({takes.ms / 2}, [this, life] {
      if (life == life_) crash(Branch::crash_not_durable);
    });
  }
  world_.at(takes, [this, life] {
    if (life == life_) committed();
  });
}

void Shell::committed() {
  const Seq before = store_.durable();
  store_.end_commit();
  for (Seq seq{before.value + 1}; seq <= store_.durable(); ++seq.value)
    world_.audit->record(store_.record(seq));
  if (world_.hostile() && random_.chance(world_.plan.crash_at_commit / 3))
    return crash(Branch::crash_durable);
  release();
  if (running_) arm_commit();
}

void Shell::release() {
  if (releasing_) return;
  releasing_ = true;
  const std::uint64_t life = life_;
  bool replied = false;
  while (!held_.empty() && life == life_ && !world_.failed()) {
    const bool reply_early = planted(201);  // acknowledged before it is durable
    if (held_.front().after > store_.durable() && !reply_early) break;
    const broker::Effect effect = std::move(held_.front().effect);
    held_.pop_front();
    const auto* send = std::get_if<broker::Send>(&effect);
    const bool order = send && std::holds_alternative<Order>(send->envelope.body);
    const std::uint32_t odds = world_.plan.crash_at_commit;
    if (world_.hostile() && random_.chance(replied && order ? 2 * odds : odds / 8)) {
      crash(replied && order ? Branch::crash_replied : Branch::crash_between);
      break;
    }
    replied = send && !order;
    carry_out(effect);
  }
  releasing_ = false;
}

void Shell::carry_out(const broker::Effect& effect) {
  const std::uint64_t life = life_;
  if (const auto* ask = std::get_if<broker::AskDriver>(&effect))
    return world_.fabric->ask(ask->order);
  if (const auto* send = std::get_if<broker::Send>(&effect)) {
    if (std::holds_alternative<Reply>(send->envelope.body)) {
      const auto found = open_requests_.find({send->session, send->envelope.key});
      if (found == open_requests_.end()) {
        if (!world_.net->open_at_broker(send->session)) return;  // it hung up meanwhile
        return world_.fail("a reply that nobody is waiting for");
      }
      if (--found->second == 0) open_requests_.erase(found);
    } else if (send->envelope.epoch != store_.epoch() && !planted(202)) {
      return world_.fail("5: an order does not carry the epoch of the broker that gives it");
    }
    world_.net->down(send->session, send->envelope);
  } else if (const auto* gone = std::get_if<broker::Disconnect>(&effect)) {
    const SessionId session = gone->session;
    world_.at({}, [this, life, session] {
      if (life == life_) world_.net->close_by_broker(session);
    });
  } else if (const auto* serve = std::get_if<broker::ServeJournal>(&effect)) {
    serve_journal(*serve);
  } else if (const auto* note = std::get_if<broker::Note>(&effect)) {
    world_.trace("  note: {}", note->text);
  }
}

void Shell::serve_journal(const broker::ServeJournal& request) {
  JournalChunk chunk;
  Seq seq{std::max<std::uint64_t>(request.from.value, 1)};
  for (; seq <= store_.durable() && chunk.records.size() < 8; ++seq.value)
    chunk.records.push_back({seq, encode(store_.record(seq)), {}});
  chunk.next = seq;
  chunk.end = seq > store_.durable();
  Envelope envelope;
  envelope.key = request.key;
  envelope.body = Reply{chunk};
  carry_out(broker::Send{request.session, envelope});
}

void Shell::arm_timer() {
  const Instant next = core_->next_timer();
  if (next == never) return;
  const std::uint64_t armed = ++timer_;
  world_.at({std::max<std::int64_t>(0, (next - ledger_now()).ms)}, [this, armed] {
    if (armed == timer_) timer();
  });
}

void Shell::timer() {
  if (!running_) return;
  spins_ = ledger_now() == spin_at_ ? spins_ + 1 : 0;
  spin_at_ = ledger_now();
  if (spins_ > 100) return world_.fail("10: the core's timer spins without time passing");
  feed(broker::TimePassed{}, {}, {});
}

void Shell::message(SessionId session, const Principal& principal, Envelope envelope, Blob raw) {
  if (!running_) return;
  if (std::holds_alternative<Request>(envelope.body)) ++open_requests_[{session, envelope.key}];
  broker::MessageCame came{session, principal, std::move(envelope), raw};
  feed(came, principal, raw);
}

void Shell::closed(SessionId session) {
  std::erase_if(open_requests_,
                [session](const auto& entry) { return entry.first.first == session; });
  feed(broker::SessionClosed{session}, {}, {});
}

void Shell::alive() {
  if (!running_) return;
  if (auto sessions = world_.net->alive(); !sessions.empty())
    feed(broker::SessionsAlive{std::move(sessions)}, {}, {});
}

void Shell::driver(const broker::Event& event) { feed(event, {}, {}); }

bool Shell::quiet() const {
  return running_ && held_.empty() && store_.durable() == store_.appended();
}

std::string Shell::unanswered() const {
  for (const auto& [where, count] : open_requests_)
    if (world_.net->open_at_broker(where.first))
      return fmt::format("request {} of session {} has no answer", to_hex(where.second),
                         where.first.value);
  return {};
}

}  // namespace weft::sim
