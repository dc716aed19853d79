#include "broker/core/arm.hpp"

#include <algorithm>

#include "broker/core/slices.hpp"

namespace weft::broker {
namespace {

void arm_offer(Tx& tx, const Offer& offer) {
  const TimerId timer{TimerKind::offer, offer.id.value};
  if (offer.state == OfferState::scheduled)
    tx.soft.timers.set(timer, std::min(offer.from, offer.until));
  else if (offer.state == OfferState::open || offer.state == OfferState::paused)
    tx.soft.timers.set(timer, offer.until);
  else
    tx.soft.timers.cancel(timer);
}

void arm_quote(Tx& tx, const Quote& quote) {
  const TimerId timer{TimerKind::quote, quote.id.value};
  tx.soft.timers.set(
      timer, quote.state == QuoteState::open ? market::Quotes::reserved_until(quote) : never);
}

void arm_job(Tx& tx, JobId id) {
  const Job& job = tx.d.jobs.at(id);
  const bool waits = job.state == JobState::queued || job.state == JobState::held;
  const bool gives_up = waits && job.spec.start_by.ms != 0 && job.started_at == Instant{};
  tx.soft.timers.set({TimerKind::job_start_by, id.value},
                     gives_up ? job.submitted_at + job.spec.start_by : never);
  const bool backs_off =
      (job.state == JobState::queued || job.state == JobState::starting) && job.retry_at > tx.now;
  tx.soft.timers.set({TimerKind::job_retry, id.value}, backs_off ? job.retry_at : never);
  if (job.lease) arm_lease(tx, job.lease);
}

void arm_attempt(Tx& tx, AttemptId id) {
  const Attempt& a = tx.d.jobs.at(id).attempt;
  auto& timers = tx.soft.timers;
  const bool live = a.state != AttemptState::ended;
  timers.set({TimerKind::prepare, id.value}, a.state == AttemptState::preparing
                                                 ? tx.now + tx.machine.config.prepare_time_max
                                                 : never);
  timers.set({TimerKind::repeat, id.value}, live ? tx.now + limits::order_repeat : never);
  if (a.state != AttemptState::running) timers.cancel({TimerKind::blame, id.value});
  const JobSpec& spec = tx.d.jobs.at(a.job).spec;
  const bool own_end = a.state == AttemptState::running && spec.use_lease;
  timers.set({TimerKind::attempt_end, id.value},
             own_end ? a.go_at + spec.time - grace_of(tx.machine, spec) : never);
  arm_lease(tx, a.lease);
}

struct Arm {
  Tx& tx;
  void operator()(const auto&) {}
  void operator()(const OfferPut& f) {
    arm_offer(tx, f.offer);
    for (const NodeId node : f.offer.nodes) tx.touch(node);
  }
  void operator()(const QuotePut& f) {
    arm_quote(tx, f.quote);
    for (const NodeId node : f.quote.nodes) tx.touch(node);
  }
  void operator()(const NodePut& f) { tx.touch(f.node.id); }
  void operator()(const NodeCleared& f) { tx.touch(f.node); }
  void operator()(const SlicePut& f) {
    arm_slice(tx, f.lease);
    if (f.slice.state == SliceState::returned || f.slice.state == SliceState::quarantined)
      tx.plan_again();
  }
  void operator()(const FabricPut&) { tx.plan_again(); }
  void operator()(const LeaseGranted& f) {
    arm_slice(tx, f.lease.id);
    arm_lease(tx, f.lease.id);
    for (const NodeId node : f.lease.nodes)
      tx.soft.rentable.touch(node);  // fewer nodes start nobody
  }
  void operator()(const LeaseMoved& f) {
    arm_lease(tx, f.lease);
    for (const NodeId node : tx.d.leases.at(f.lease).lease.nodes) tx.soft.rentable.touch(node);
    if (f.state == LeaseState::closing || f.state == LeaseState::closed) tx.plan_again();
  }
  void operator()(const Posted& f) {
    if (f.kind == PostingKind::deposit) tx.plan_again();  // it may have waited for funds
  }
  void operator()(const JobSubmitted& f) { arm_job(tx, f.job.id); }
  void operator()(const JobMoved& f) {
    arm_job(tx, f.job);
    const bool was_head = tx.soft.plan.head == f.job && f.state != JobState::queued;
    const bool frees_lease = ended(f.state) && tx.d.jobs.at(f.job).spec.use_lease;
    if (f.state == JobState::queued || was_head || frees_lease) tx.plan_again();
  }
  void operator()(const AttemptMade& f) { arm_attempt(tx, f.attempt.id); }
  void operator()(const AttemptMoved& f) { arm_attempt(tx, f.attempt); }
};

}  // namespace

Instant next_hour(Instant t) { return {(t.ms / 3'600'000 + 1) * 3'600'000}; }

Duration grace_of(const Machine& machine, const JobSpec& spec) {
  if (spec.checkpoint_signal == 0) return machine.config.stop_grace;  // nothing tells it to save
  return std::max(machine.config.stop_grace,
                  std::min(spec.checkpoint_grace, Duration{spec.time.ms / 2}));
}

void arm_lease(Tx& tx, LeaseId id) {
  const market::LeaseBook* book = tx.d.leases.find(id);
  if (!book) return;
  const Lease& lease = book->lease;
  Instant stop = never, broken = never;
  if (lease.state == LeaseState::active) {
    stop = lease.ends_at;
    const AttemptId attempt = tx.d.jobs.using_lease(id);
    if (attempt && tx.d.jobs.at(attempt).attempt.state != AttemptState::stopping)
      stop = stop - grace_of(tx.machine, tx.d.jobs.at(tx.d.jobs.at(attempt).attempt.job).spec);
    const Job* job = lease.job ? tx.d.jobs.find(lease.job) : nullptr;
    if (job && ended(job->state)) stop = std::min(stop, job->ended_at + job->spec.keep);
    for (const NodeId node : lease.nodes) {
      const Node& n = tx.d.nodes.at(node);
      if (n.state != NodeState::up) broken = std::min(broken, n.since + limits::lease_broken_max);
    }
    tx.soft.timers.set({TimerKind::hour, 0}, next_hour(tx.now));
  } else if (lease.state == LeaseState::closing && lease.active_at != Instant{}) {
    for (const NodeId node : lease.nodes) {  // the meter stops there, whatever is left on the nodes
      const MeterClass meter = tx.d.nodes.at(node).meter;
      if (meter == MeterClass::billed || meter == MeterClass::credited) stop = lease.ends_at;
    }
  }
  tx.soft.timers.set({TimerKind::lease_stop, id.value}, stop);
  tx.soft.timers.set({TimerKind::lease_broken, id.value}, broken);
}

void arm(Tx& tx, const Fact& fact) { std::visit(Arm{tx}, fact); }

void arm_all(Tx& tx) {
  for (const auto& [id, node] : tx.d.nodes.all()) tx.touch(id);
  for (const auto& [id, offer] : tx.d.offers.all()) arm_offer(tx, offer);
  for (const QuoteId id : tx.d.quotes.open()) arm_quote(tx, *tx.d.quotes.find(id));
  for (const LeaseId id : tx.d.leases.live()) {
    arm_lease(tx, id);
    arm_slice(tx, id);
  }
  for (const JobId id : tx.d.jobs.live()) arm_job(tx, id);
  for (const AttemptId id : tx.d.jobs.live_attempts()) arm_attempt(tx, id);
}

}  // namespace weft::broker
