#include "broker/core/explain.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "broker/core/schedule.hpp"
#include "broker/core/slices.hpp"
#include "broker/jobs/blame.hpp"
#include "broker/jobs/why.hpp"

namespace weft::broker {
namespace {

jobs::Situation situation(const Tx& tx, const std::string& account, const JobSpec& spec,
                          JobId self) {
  jobs::Situation s;
  s.request = request_of(spec);
  tx.soft.rentable.refresh(tx.machine, tx.now);
  s.free = tx.soft.rentable.free();
  s.fleet = tx.soft.rentable.fleet(tx.now);
  s.site = site_of(tx.machine, tx.now);
  s.now = tx.now;
  s.cash = tx.d.ledger.balance(market::cash_of(account));
  if (spec.cost_cap.micros != 0) {
    Money spent;
    for (const LeaseId id : tx.d.leases.of_job(self))
      spent = spent + tx.d.leases.at(id).posted.gross;
    s.cap_left = spec.cost_cap - spent;
  }
  // A job that comes before the head is looked at before it.
  const JobId head = tx.soft.plan.head;
  const Job* job = head && head != self ? tx.d.jobs.find(head) : nullptr;
  if (job && job->state == JobState::queued) {
    const auto first = tx.d.jobs.queue().first(4 * limits::backfill_depth_max, tx.d.usage(tx.now));
    const auto mine = std::find(first.begin(), first.end(), self);
    if (mine == first.end() || std::find(first.begin(), mine, head) != mine) {
      s.ahead = jobs::Head{request_of(job->spec), tx.soft.plan.head_at};
      s.ahead_job = head;
    }
  }
  return s;
}

Why why_of(const jobs::Explanation& e, JobId id, JobState state) {
  Why why;
  why.job = id;
  why.state = state;
  why.summary = e.summary;
  why.blockers = e.blockers;
  why.fixes = e.fixes;
  why.clear = e.clear;
  return why;
}

Why why_on_lease(const Tx& tx, const Job& job) {
  Why why;
  why.job = job.id;
  why.state = job.state;
  const LeaseId lease = job.spec.use_lease;
  const JobId there = tx.d.jobs.job_on(lease);
  why.blockers.push_back(there ? Code::lease_busy : Code::place_nodes);
  if (there)
    why.summary = fmt::format("lease {} has job {} on it", lease.value, there.value);
  else
    why.summary = fmt::format("a node of lease {} is not there", lease.value);
  return why;
}

}  // namespace

Why why_waiting(const Tx& tx, const Job& job) {
  if (job.spec.use_lease) return why_on_lease(tx, job);
  Why why = why_of(jobs::explain(situation(tx, job.account, job.spec, job.id)), job.id, job.state);
  if (job.state == JobState::held) {
    why.blockers.insert(why.blockers.begin(), Code::place_held);
    why.summary = "it is held; " + why.summary;
  } else if (job.retry_at > tx.now) {
    why.summary = fmt::format("it waits {} more after a failure, then: {}",
                              to_string(job.retry_at - tx.now), why.summary);
  }
  if (const jobs::AttemptBook* last = tx.d.jobs.find(job.attempt)) why.blame = last->attempt.blame;
  return why;
}

Why why_not_waiting(const Tx& tx, const Job& job) {
  Why why;
  why.job = job.id;
  why.state = job.state;
  const jobs::AttemptBook* last = tx.d.jobs.find(job.attempt);
  if (last) why.blame = last->attempt.blame;
  why.summary = fmt::format("job {} is {}", job.id.value, to_string(job.state));
  if (!job.timeline.empty()) why.summary += ": " + job.timeline.back().text;
  if (ended(job.state)) why.summary += fmt::format(" (exit code {})", job.exit_code);
  if (why.blame.code != Code::none && !why.blame.detail.empty())
    why.summary += "; " + why.blame.detail;
  if (why.summary.size() > limits::text_bytes_max) why.summary.resize(limits::text_bytes_max);
  return why;
}

DryRun dry_run(const Tx& tx, const std::string& account, const JobSpec& spec) {
  DryRun out;
  out.spec = spec;
  if (spec.use_lease) {
    const Lease& lease = tx.d.leases.at(spec.use_lease).lease;
    out.placeable = !tx.d.jobs.job_on(lease.id);
    out.price = lease.price;
    for (std::size_t i = 0; i < spec.nodes; ++i)
      out.nodes.push_back(tx.d.nodes.at(lease.nodes[i]).name);
    return out;
  }
  const jobs::Situation s = situation(tx, account, spec, {});
  const jobs::Start start = jobs::try_start(s, s.request);
  out.placeable = start.blocker == Code::none;
  if (start.placement) {
    for (const NodeId node : tx.d.nodes.in_name_order(start.placement->nodes))
      out.nodes.push_back(tx.d.nodes.at(node).name);
    out.price = start.placement->price;
    out.cost_max = cost_ceil(out.price, start.placement->units, spec.time);
  }
  if (!out.placeable) out.why = why_of(jobs::explain(s), {}, JobState::queued);
  return out;
}

std::string short_note(const Tx& tx, const Job& job) {
  if (job.state == JobState::queued) {
    if (job.retry_at > tx.now) return fmt::format("again in {}", to_string(job.retry_at - tx.now));
    return fmt::format("waits for {} nodes", job.spec.nodes);
  }
  if (job.timeline.empty() || job.state == JobState::held) return {};
  const std::string& text = job.timeline.back().text;
  return text.substr(0, 160);
}

}  // namespace weft::broker
