#include <fmt/format.h>

#include <algorithm>

#include "base/planted.hpp"
#include "broker/core/explain.hpp"
#include "broker/core/gang.hpp"
#include "broker/core/handlers.hpp"
#include "broker/core/schedule.hpp"
#include "broker/core/size.hpp"
#include "broker/core/waiting.hpp"
#include "broker/jobs/validate.hpp"

namespace weft::broker {
namespace {

tl::unexpected<Error> unknown_job(JobId id) {
  return fail(Code::job_unknown, fmt::format("job {} is not known", id.value));
}

Result<void> fits_lease(const Tx& tx, const Caller& caller, const JobSpec& spec) {
  const market::LeaseBook* book = tx.d.leases.find(spec.use_lease);
  if (!book || book->lease.account != caller.entry.account)
    return fail(Code::lease_unknown,
                fmt::format("lease.use: lease {} is not known", spec.use_lease.value));
  const Lease& lease = book->lease;
  if (lease.state != LeaseState::active)
    return fail(Code::state_illegal,
                fmt::format("lease.use: lease {} is {}", lease.id.value, to_string(lease.state)));
  if (lease.job)
    return fail(Code::lease_busy,
                fmt::format("lease.use: lease {} was rented for job {}; use one that was "
                            "accepted from a quote",
                            lease.id.value, lease.job.value));
  if (spec.nodes > lease.nodes.size())
    return fail(Code::place_nodes, fmt::format("nodes: {}; lease {} has {}", spec.nodes,
                                               lease.id.value, lease.nodes.size()));
  for (const NodeId node : lease.nodes)
    if (tx.d.nodes.at(node).inventory.gpus.size() < spec.gpus_per_node)
      return fail(Code::place_class,
                  fmt::format("gpus_per_node: {}; node {} of lease {} has {}", spec.gpus_per_node,
                              tx.d.nodes.at(node).name, lease.id.value,
                              tx.d.nodes.at(node).inventory.gpus.size()));
  if (tx.now + spec.time > lease.ends_at)
    return fail(Code::lease_too_short,
                fmt::format("time: {}; lease {} ends in {}", to_string(spec.time), lease.id.value,
                            to_string(lease.ends_at - tx.now)));
  return {};
}

Result<JobSpec> resolved(const Tx& tx, const Caller& caller, const JobSpec& spec) {
  const bool free =
      tx.machine.config.price_default.micros == 0 && !tx.d.offers.any_floor_above_zero();
  auto out = jobs::resolve(spec, {free});
  if (out && out->use_lease)
    if (auto fits = fits_lease(tx, caller, *out); !fits) return tl::make_unexpected(fits.error());
  return out;
}

}  // namespace

Result<const Job*> job_of(const Tx& tx, const Caller& caller, JobId id) {
  const Job* job = tx.d.jobs.find(id);
  if (!job || !caller.sees(job->account)) return unknown_job(id);
  return job;
}

Answer handle(Tx& tx, const Caller& caller, const SubmitJob& ask) {
  auto spec = resolved(tx, caller, ask.spec);
  if (!spec) return tl::make_unexpected(spec.error());
  if (ask.dry_run) return ReplyBody{dry_run(tx, caller.entry.account, *spec)};
  if (tx.d.jobs.live().size() >= limits::jobs_live_max)
    return fail(Code::limit_reached, fmt::format("{} jobs are queued or running here; at most {}",
                                                 tx.d.jobs.live().size(), limits::jobs_live_max));
  Job job;
  job.id = {planted(12) ? tx.soft.next_job_planted++ : tx.d.next.job};
  job.account = caller.entry.account;
  job.principal = caller.entry.principal;
  job.spec = std::move(*spec);
  job.state = ask.hold ? JobState::held : JobState::queued;
  job.submitted_at = tx.now;
  job.timeline.push_back({tx.now, ask.hold ? "submitted, held" : "submitted"});
  tx.emit(JobSubmitted{job});
  if (!ask.hold) consider(tx, job.id);
  return ReplyBody{Submitted{job.id, tx.d.jobs.at(job.id).state}};
}

Answer handle(Tx& tx, const Caller& caller, const CancelJob& ask) {
  const auto job = job_of(tx, caller, ask.job);
  if (!job) return tl::make_unexpected(job.error());
  if (ended((*job)->state))
    return fail(Code::job_ended, fmt::format("job {} has ended already: {}", ask.job.value,
                                             to_string((*job)->state)));
  cancel(tx, ask.job);
  return ReplyBody{Done{}};
}

Answer handle(Tx& tx, const Caller& caller, const ShowJob& ask) {
  const auto job = job_of(tx, caller, ask.job);
  if (!job) return tl::make_unexpected(job.error());
  return ReplyBody{view_of(tx, **job)};
}

Answer handle(Tx& tx, const Caller& caller, const WhyJob& ask) {
  const auto job = job_of(tx, caller, ask.job);
  if (!job) return tl::make_unexpected(job.error());
  const JobState state = (*job)->state;
  const bool waits = state == JobState::queued || state == JobState::held;
  return ReplyBody{waits ? why_waiting(tx, **job) : why_not_waiting(tx, **job)};
}

Answer handle(Tx& tx, const Caller& caller, const ListJobs& ask) {
  JobList list;
  Room room(limits::reply_bytes_max);
  const auto add = [&](const Job& job) {  // false: no more
    if (ended(job.state) && !ask.ended) return true;
    JobLine line;
    line.job = job.id;
    line.job_name = job.spec.name;
    line.account = job.account;
    line.state = job.state;
    line.nodes = job.spec.nodes;
    line.ranks = job.spec.nodes * job.spec.ranks_per_node;
    line.attempts = job.attempts;
    line.submitted_at = job.submitted_at;
    line.started_at = job.started_at;
    line.ended_at = job.ended_at;
    line.exit_code = job.exit_code;
    line.note = short_note(tx, job);
    list.cut = list.jobs.size() >= ask.count_max || !room.take(line);
    if (!list.cut) list.jobs.push_back(std::move(line));
    return !list.cut;
  };
  // The newest first, so that a cut list holds those that matter most.
  const auto walk = [&](const std::set<JobId>& ids) {
    for (auto it = ids.rbegin(); it != ids.rend(); ++it)
      if (!add(tx.d.jobs.at(*it))) return;
  };
  if (caller.is_operator() && ask.ended) {
    const auto& all = tx.d.jobs.all();
    for (auto it = all.rbegin(); it != all.rend(); ++it)
      if (!add(it->second)) break;
  } else {
    walk(caller.is_operator() ? tx.d.jobs.live() : tx.d.jobs.of_account(caller.entry.account));
  }
  std::reverse(list.jobs.begin(), list.jobs.end());
  return ReplyBody{std::move(list)};
}

Answer handle(Tx& tx, const Caller& caller, const WaitJob& ask) {
  const auto job = job_of(tx, caller, ask.job);
  if (!job) return tl::make_unexpected(job.error());
  if (ended((*job)->state) || ask.wait.ms <= 0) return ReplyBody{view_of(tx, **job)};
  Waiter waiter;
  waiter.what = Waiter::For::job;
  waiter.job = ask.job;
  if (auto waits = wait(tx, caller, std::move(waiter), ask.wait); !waits)
    return tl::make_unexpected(waits.error());
  return ReplyBody{};
}

Answer handle(Tx& tx, const Caller& caller, const SignalJob& ask) {
  const auto job = job_of(tx, caller, ask.job);
  if (!job) return tl::make_unexpected(job.error());
  if (ask.signal < 1 || ask.signal > 64)
    return fail(Code::usage, fmt::format("signal {}; 1 to 64", ask.signal));
  const jobs::AttemptBook* book = tx.d.jobs.find((*job)->attempt);
  if (!book || book->attempt.state != AttemptState::running)
    return fail(Code::state_illegal, fmt::format("job {} is {}; only a running one gets signals",
                                                 ask.job.value, to_string((*job)->state)));
  if (ask.rank >= static_cast<std::int64_t>(book->ranks()) || ask.rank < -1)
    return fail(Code::rank_unknown, fmt::format("rank {}; job {} has ranks 0 to {}", ask.rank,
                                                ask.job.value, book->ranks() - 1));
  const SignalRanks order{book->attempt.id, ask.rank, ask.signal};
  if (ask.rank >= 0)
    tx.order(book->node_of(static_cast<std::uint32_t>(ask.rank)), order);
  else
    for (const NodeId node : book->attempt.nodes) tx.order(node, order);
  return ReplyBody{Done{}};
}

Answer handle(Tx& tx, const Caller& caller, const ReadLog& ask) {
  const auto job = job_of(tx, caller, ask.job);
  if (!job) return tl::make_unexpected(job.error());
  return read_log(tx, caller, ask);
}

}  // namespace weft::broker
