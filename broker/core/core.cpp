#include "broker/core/core.hpp"

#include <fmt/format.h>

#include "base/assert.hpp"
#include "broker/core/arm.hpp"
#include "broker/core/events.hpp"
#include "broker/core/gang.hpp"
#include "broker/core/handlers.hpp"
#include "broker/core/machine.hpp"
#include "broker/core/probing.hpp"
#include "broker/core/renting.hpp"
#include "broker/core/schedule.hpp"
#include "broker/core/slices.hpp"
#include "broker/core/waiting.hpp"
#include "broker/core/workers.hpp"
#include "broker/jobs/blame.hpp"

namespace weft::broker {
namespace {

void began(Tx& tx, const Began& event) {
  tx.soft.started_at = tx.now;
  tx.soft.version = event.version;
  tx.emit(EpochBegan{event.epoch, tx.now, event.version});
  for (const KeyEntry& key : event.keys)
    if (!tx.d.keys.find(key.principal)) tx.emit(KeyPut{key});
  tx.allow();
  grace_for_all(tx);
  // Nobody could accept while the broker was away.
  const std::vector<QuoteId> open(tx.d.quotes.open().begin(), tx.d.quotes.open().end());
  for (const QuoteId id : open) {
    Quote quote = *tx.d.quotes.find(id);
    if (quote.expires_at >= tx.now + seconds(10)) continue;
    quote.expires_at = tx.now + seconds(10);
    tx.emit(QuotePut{quote});
  }
  arm_all(tx);
}

void message_came(Tx& tx, const MessageCame& event) {
  const KeyEntry* found = tx.d.keys.find_live(event.principal);
  const auto* request = std::get_if<Request>(&event.envelope.body);
  const auto* report = std::get_if<Report>(&event.envelope.body);
  if (!found) {
    const char* why = "this key is not enrolled here, or was revoked";
    if (request) tx.reply(event.session, event.envelope.key, Refused{Code::auth_unknown_key, why});
    if (report) tx.order(event.session, Dismissed{Code::auth_unknown_key, why});
    return tx.disconnect(event.session);
  }
  const KeyEntry key = *found;  // the handler may revoke it
  tx.soft.sessions[event.session] = event.principal;
  if (request) return on_request(tx, {event.session, event.envelope.key, key}, event.envelope);
  if (!report)
    return tx.disconnect(event.session);  // a reply or an order: nothing that we are told
  if (key.role == Role::worker) return on_report(tx, event.session, key, event.envelope);
  tx.order(event.session, Dismissed{Code::auth_denied, "only a worker key may send reports"});
  tx.disconnect(event.session);
}

void offer_due(Tx& tx, OfferId id) {
  Offer offer = *tx.d.offers.find(id);
  using market::OfferInput;
  const auto next = next_state(market::offer_rows, offer.state,
                               offer.until <= tx.now ? OfferInput::until : OfferInput::begin);
  if (!next) return;
  offer.state = *next;
  tx.emit(OfferPut{offer});
  for (const NodeId node : offer.nodes) settle_node(tx, node);
  settle_offers(tx, offer.nodes);
}

void prepare_due(Tx& tx, AttemptId id) {
  const jobs::AttemptBook* book = tx.d.jobs.find(id);
  if (!book || book->attempt.state != AttemptState::preparing) return;
  for (const NodeId node : book->attempt.nodes) {
    if (tx.soft.launches[id].prepared.contains(node)) continue;
    return abort_launch(
        tx, id,
        jobs::blame_for_silence(
            tx.d.nodes.at(node), book->first_rank_on(node), Code::launch_timeout,
            fmt::format("not prepared within {}", to_string(tx.machine.config.prepare_time_max))));
  }
}

void broken_due(Tx& tx, LeaseId id) {
  const market::LeaseBook* book = tx.d.leases.find(id);
  if (!book || book->lease.state != LeaseState::active || tx.d.jobs.using_lease(id)) return;
  for (const NodeId node : book->lease.nodes)
    if (tx.d.nodes.at(node).state != NodeState::up) return close_lease(tx, id, Cause::node_lost);
}

void timer_due(Tx& tx, const Timers::Due& due) {
  const std::uint64_t id = due.timer.id;
  switch (due.timer.kind) {
    case TimerKind::offer: return offer_due(tx, {id});
    case TimerKind::quote: return end_quote(tx, *tx.d.quotes.find({id}), QuoteState::lapsed);
    case TimerKind::lease_stop: return lease_due(tx, {id});
    case TimerKind::lease_broken: return broken_due(tx, {id});
    case TimerKind::job_start_by: return give_up_waiting(tx, {id});
    case TimerKind::job_retry: return retry(tx, {id});
    case TimerKind::attempt_end: return attempt_due(tx, {id});
    case TimerKind::prepare: return prepare_due(tx, {id});
    case TimerKind::repeat: return repeat_orders(tx, {id});
    case TimerKind::blame: return blame_timer(tx, {id});
    case TimerKind::silence: return silence_due(tx, {id}, due.at);
    case TimerKind::quarantine: return tx.touch({id});
    case TimerKind::wait: return answer_waiter(tx, id, true);
    case TimerKind::ticket: return ticket_due(tx, id);
    case TimerKind::slice: return slice_due(tx, {id});
    case TimerKind::driver: return program_again(tx);
    case TimerKind::probe: return probe_due(tx, {id});
    case TimerKind::hour: return post_hour(tx);
  }
}

struct Handle {
  Tx& tx;
  void operator()(const Began& e) { began(tx, e); }
  void operator()(const MessageCame& e) { message_came(tx, e); }
  void operator()(const SessionClosed& e) { session_closed(tx, e.session); }
  void operator()(const SessionsAlive& e) { sessions_alive(tx, e.sessions); }
  void operator()(const GatewayLost& e) {
    for (const SessionId session : e.sessions) session_closed(tx, session);
    grace_for_all(tx);
  }
  void operator()(const DriverStarted&) { driver_started(tx); }
  void operator()(const DriverSaid& e) { driver_said(tx, e.body); }
  void operator()(const TimePassed&) {}
};

}  // namespace

Core::Core(CoreConfig config) : state_(std::make_unique<State>()) {
  state_->machine.config = config;
}
Core::~Core() = default;
Core::Core(const Core& other) : state_(std::make_unique<State>(*other.state_)) {}
Core& Core::operator=(const Core& other) {
  *state_ = *other.state_;
  return *this;
}

Step Core::step(Instant now, const Event& event) {
  Machine& m = state_->machine;
  Step out;
  Tx tx(m, std::max(now, m.durable.at), out);  // ledger time never runs backwards
  // What is due comes before what has just arrived, as if each had come at its time; a message that
  // proves a worker alive comes before the timer that would declare it dead.
  if (std::holds_alternative<SessionsAlive>(event)) Handle{tx}(std::get<SessionsAlive>(event));
  if (!std::holds_alternative<Began>(event))
    while (const auto due = m.soft.timers.take_due(tx.now)) timer_due(tx, *due);
  if (!std::holds_alternative<SessionsAlive>(event)) std::visit(Handle{tx}, event);
  plan(tx);
  program(tx);
  wake(tx);
  if (!out.facts.empty()) {
    m.durable.seq = {m.durable.seq.value + 1};
    m.durable.at = tx.now;
  }
  return out;
}

Instant Core::next_timer() const { return state_->machine.soft.timers.next(); }

void Core::restore(const Snapshot& snapshot) { state_->machine.durable.restore(snapshot); }

void Core::replay(const JournalRecord& record) {
  Machine& m = state_->machine;
  for (const FactBox& box : record.facts) {
    m.durable.apply(box.fact);
    ++m.soft.facts;
    record_event(m, box.fact, record.seq, record.at);
  }
  m.durable.seq = record.seq;
  m.durable.at = record.at;
}

Snapshot Core::snapshot(Seq seq) const {
  Snapshot s = state_->machine.durable.snapshot();
  s.seq = seq;
  return s;
}

Digest Core::digest() const { return state_->machine.durable.digest(); }

std::string Core::broken_invariant() const {
  return weft::broker::broken_invariant(state_->machine.durable);
}

}  // namespace weft::broker
