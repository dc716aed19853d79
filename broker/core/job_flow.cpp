// What becomes of jobs: restarted, requeued, ended. See broker/core/gang.hpp.
#include <fmt/format.h>

#include <algorithm>

#include "broker/core/gang.hpp"
#include "broker/core/renting.hpp"
#include "broker/jobs/blame.hpp"

namespace weft::broker {
namespace {

Duration backoff(const Job& job) {
  std::int64_t ms = job.spec.restart.backoff.ms;
  for (std::uint32_t i = 0; i < job.restarts && ms < limits::backoff_max.ms; ++i) ms *= 2;
  return {std::min(ms, std::max(limits::backoff_max.ms, job.spec.restart.backoff.ms))};
}

bool user_fault(const Blame& blame) {
  return blame.code == Code::launch_exec || blame.code == Code::launch_workdir;
}

bool all_up(const Tx& tx, const Lease& lease) {
  return std::all_of(lease.nodes.begin(), lease.nodes.end(),
                     [&](NodeId n) { return tx.d.nodes.at(n).state == NodeState::up; });
}

// Launches that were aborted since the last GO.
std::uint32_t failed_launches(const Tx& tx, JobId job) {
  std::uint32_t count = 0;
  const auto& attempts = tx.d.jobs.attempts_of(job);
  for (auto it = attempts.rbegin(); it != attempts.rend(); ++it, ++count)
    if (tx.d.jobs.at(*it).attempt.go_at != Instant{}) break;
  return count;
}

JobMove ending(const Job& job, const Attempt& a) {
  JobMove m;
  m.cause = job.cause;
  switch (job.cause) {
    case Cause::cancel:
      m.state = JobState::cancelled;
      m.exit_code = jobs::exit_cancelled;
      m.text = "cancelled";
      return m;
    case Cause::time_limit:
    case Cause::lease_end:
      m.state = JobState::expired;
      m.exit_code = jobs::exit_time_limit;
      m.text =
          job.cause == Cause::time_limit
              ? fmt::format("expired: its time limit of {} was reached", to_string(job.spec.time))
              : "expired: its lease ended";
      return m;
    default:
      m.state = JobState::failed;
      m.exit_code = jobs::exit_code_of(a.blame);
      m.text = fmt::format("failed: {}", jobs::sentence(a.blame));
      return m;
  }
}

}  // namespace

void move_job(Tx& tx, JobId id, JobMove m) {
  const Job& job = tx.d.jobs.at(id);
  JobMoved f;
  f.job = id;
  f.state = m.state;
  f.cause = m.cause;
  f.at = tx.now;
  f.retry_at = m.retry_at;
  f.lease = m.lease.value_or(job.lease);
  f.attempt = job.attempt;
  f.restarts = m.restarts.value_or(job.restarts);
  f.exit_code = m.exit_code;
  f.text = std::move(m.text);
  if (f.text.size() > limits::text_bytes_max) f.text.resize(limits::text_bytes_max);
  tx.emit(std::move(f));
}

Fate fate_of(const Tx& tx, const Job& job, const Attempt& a) {
  if (ended(job.state)) return Fate::finish;
  const RestartPolicy& policy = job.spec.restart;
  const Lease& lease = tx.d.leases.at(a.lease).lease;
  const bool lease_lasts =
      lease.state == LeaseState::active && tx.now + backoff(job) < lease.ends_at;
  switch (job.cause) {
    case Cause::rank_failed:
      if (!policy.on_exit || job.restarts >= policy.max) return Fate::finish;
      if (!all_up(tx, lease)) return Fate::requeue;
      return lease_lasts ? Fate::restart_here : Fate::finish;
    case Cause::node_lost:
    case Cause::link_lost:
      return policy.on_node && job.restarts < policy.max ? Fate::requeue : Fate::finish;
    case Cause::not_delivered:
    case Cause::launch_failed:
      if (user_fault(a.blame)) return Fate::finish;
      return failed_launches(tx, job.id) < limits::launch_tries_max ? Fate::requeue : Fate::finish;
    default: return Fate::finish;
  }
}

void attempt_over(Tx& tx, JobId id, AttemptId attempt) {
  const Job job = tx.d.jobs.at(id);
  const Attempt a = tx.d.jobs.at(attempt).attempt;
  if (ended(job.state)) return;
  const Fate fate = fate_of(tx, job, a);
  const bool counts = job.cause != Cause::launch_failed &&
                      job.cause != Cause::not_delivered;  // a restart after a failure
  const std::uint32_t restarts = job.restarts + (counts ? 1 : 0);
  const Instant retry_at = counts ? tx.now + backoff(job) : Instant{};
  if (fate == Fate::finish) {
    move_job(tx, id, ending(job, a));
    if (tx.d.leases.at(a.lease).lease.job == id) close_lease(tx, a.lease, job.cause);
  } else if (fate == Fate::restart_here) {
    move_job(tx, id,
             {.state = JobState::starting,
              .cause = job.cause,
              .text = fmt::format("restart {} of {} in {}: {}", restarts, job.spec.restart.max,
                                  to_string(backoff(job)), jobs::sentence(a.blame)),
              .retry_at = retry_at,
              .restarts = restarts});
    if (retry_at <= tx.now) retry(tx, id);
  } else {
    move_job(tx, id,
             {.state = JobState::queued,
              .cause = job.cause,
              .text = fmt::format("queued again: {}", jobs::sentence(a.blame)),
              .retry_at = retry_at,
              .restarts = restarts});
    if (tx.d.leases.at(a.lease).lease.job == id) close_lease(tx, a.lease, job.cause);
  }
}

void retry(Tx& tx, JobId id) {
  const Job* job = tx.d.jobs.find(id);
  if (!job) return;
  if (job->state == JobState::queued) return tx.plan_again();
  if (job->state != JobState::starting) return;
  const jobs::AttemptBook* last = tx.d.jobs.find(job->attempt);
  if (last && last->attempt.state != AttemptState::ended) return;
  const market::LeaseBook* lease = tx.d.leases.find(job->lease);
  if (lease && lease->lease.state == LeaseState::active && all_up(tx, lease->lease))
    return launch(tx, id, job->lease);
  const LeaseId old = job->lease;
  move_job(tx, id,
           {.state = JobState::queued, .text = "queued again: its lease cannot be used any more"});
  if (lease && lease->lease.job == id) close_lease(tx, old, Cause::node_lost);
}

void cancel(Tx& tx, JobId id) {
  const Job job = tx.d.jobs.at(id);
  const jobs::AttemptBook* book = tx.d.jobs.find(job.attempt);
  const bool gang = book && book->attempt.state != AttemptState::ended;
  if (!gang) {
    move_job(tx, id,
             {.state = JobState::cancelled,
              .cause = Cause::cancel,
              .text = "cancelled",
              .exit_code = jobs::exit_cancelled});
    const market::LeaseBook* lease = tx.d.leases.find(job.lease);
    if (lease && lease->lease.job == id) close_lease(tx, job.lease, Cause::cancel);
    return;
  }
  if (book->attempt.state == AttemptState::stopping) {  // no restart, whatever was planned
    move_job(
        tx, id,
        {.state = JobState::stopping, .cause = Cause::cancel, .text = "cancelled while stopping"});
    if (tx.d.leases.at(book->attempt.lease).lease.job == id)
      close_lease(tx, book->attempt.lease, Cause::cancel);
    return;
  }
  stop_attempt(tx, job.attempt, Outcome::cancelled, Cause::cancel, {});
}

void give_up_waiting(Tx& tx, JobId id) {
  const Job* job = tx.d.jobs.find(id);
  if (!job || (job->state != JobState::queued && job->state != JobState::held)) return;
  move_job(tx, id,
           {.state = JobState::unplaced,
            .cause = Cause::none,
            .text = fmt::format("unplaced: not started within {}", to_string(job->spec.start_by)),
            .exit_code = jobs::exit_unplaced});
}

void end_jobs_waiting_for(Tx& tx, LeaseId lease) {
  const auto it = tx.d.jobs.on_lease().find(lease);
  if (it == tx.d.jobs.on_lease().end()) return;
  const std::vector<jobs::QueueKey> waiting(it->second.begin(), it->second.end());
  for (const jobs::QueueKey& key : waiting)
    move_job(tx, key.job,
             {.state = JobState::unplaced,
              .cause = Cause::lease_end,
              .text = fmt::format("unplaced: lease {} ended", lease.value),
              .exit_code = jobs::exit_unplaced});
}

void lease_due(Tx& tx, LeaseId id) {
  const market::LeaseBook* book = tx.d.leases.find(id);
  if (!book) return;
  const Lease lease = book->lease;
  if (lease.state == LeaseState::closing) return stop_meter(tx, id, lease.ends_at);
  if (lease.state != LeaseState::active) return;
  const AttemptId attempt = tx.d.jobs.using_lease(id);
  const Job* job = lease.job ? tx.d.jobs.find(lease.job) : nullptr;
  const bool over = job && ended(job->state);
  const Cause cause = over ? Cause::done : job ? Cause::time_limit : Cause::lease_end;
  if (attempt && tx.d.jobs.at(attempt).attempt.state != AttemptState::stopping) {
    // Of a job on a lease by hand, the lease goes on until its end: only the gang must be gone by
    // then.
    stop_attempt(tx, attempt, Outcome::expired, cause, {});
    if (tx.d.leases.at(id).lease.state == LeaseState::active) close_lease(tx, id, cause);
    return;
  }
  if (job && job->state == JobState::stopping)  // no restart: this was its time
    move_job(tx, job->id,
             {.state = JobState::stopping,
              .cause = cause,
              .text = "its time limit came while stopping"});
  if (job && job->state == JobState::starting)  // between two attempts
    move_job(tx, job->id,
             {.state = JobState::expired,
              .cause = cause,
              .text = "expired: its time limit came between two attempts",
              .exit_code = jobs::exit_time_limit});
  close_lease(tx, id, cause);
}

void attempt_due(Tx& tx, AttemptId id) {
  const jobs::AttemptBook* book = tx.d.jobs.find(id);
  if (book && book->attempt.state == AttemptState::running)
    stop_attempt(tx, id, Outcome::expired, Cause::time_limit, {});
}

}  // namespace weft::broker
