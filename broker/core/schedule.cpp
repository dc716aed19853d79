#include "broker/core/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "broker/core/gang.hpp"
#include "broker/core/renting.hpp"
#include "broker/core/slices.hpp"
#include "broker/jobs/backfill.hpp"
#include "broker/jobs/blame.hpp"

namespace weft::broker {
namespace {

std::string placed_text(const Tx& tx, const fabric::Placement& p) {
  std::string names;
  const auto nodes = tx.d.nodes.in_name_order(p.nodes);
  for (std::size_t i = 0; i < nodes.size() && i < 8; ++i)
    names += (i ? " " : "") + tx.d.nodes.at(nodes[i]).name;
  if (p.nodes.size() > 8) names += " ...";
  return fmt::format("placed on {} nodes ({}) at ${} per unit-hour", p.nodes.size(), names,
                     to_string(p.price));
}

void start(Tx& tx, JobId id, const fabric::Placement& p) {
  const Job job = tx.d.jobs.at(id);
  const LeaseId lease = grant(tx, p, job.account, id, {}, job.spec.time);
  move_job(tx, id, {.state = JobState::placing, .text = placed_text(tx, p), .lease = lease});
  launch(tx, id, lease);
}

bool funded(const Tx& tx, const Job& job, const fabric::Placement& p) {
  return funding(tx.d, job.account, job.spec, tx.d.leases.of_job(job.id), p).blocker == Code::none;
}

// Jobs that named a lease, in order: one at a time, while all its nodes are there.
// True: one of them gave up, so the next in its line may start.
bool plan_on_leases(Tx& tx) {
  bool again = false;
  std::vector<std::pair<LeaseId, JobId>> first;
  for (const auto& [lease, jobs] : tx.d.jobs.on_lease())
    first.emplace_back(lease, jobs.begin()->job);
  for (const auto& [id, job] : first) {
    const market::LeaseBook* book = tx.d.leases.find(id);
    if (!book || book->lease.state != LeaseState::active || tx.d.jobs.job_on(id)) continue;
    const Job& waiting = tx.d.jobs.at(job);
    if (waiting.retry_at > tx.now) continue;
    if (tx.now + waiting.spec.time > book->lease.ends_at) {
      move_job(tx, job,
               {.state = JobState::unplaced,
                .cause = Cause::lease_end,
                .text = fmt::format("unplaced: lease {} ends too soon", id.value),
                .exit_code = jobs::exit_unplaced});
      again = true;
      continue;
    }
    const auto& nodes = book->lease.nodes;
    if (!std::all_of(nodes.begin(), nodes.end(), [&](NodeId n) { return clean(tx.machine, n); }))
      continue;
    move_job(
        tx, job,
        {.state = JobState::placing, .text = fmt::format("on lease {}", id.value), .lease = id});
    launch(tx, job, id);
  }
  return again;
}

// Does `job` come before the head of the queue? Cheap: open segments are not counted.
bool before_head(const Tx& tx, const Job& job, const Job& head) {
  if (head.account == job.account) return job.spec.priority > head.spec.priority;
  const auto& usage = tx.d.leases.usage();
  const auto used = [&](const std::string& account) {
    const auto it = usage.find(account);
    return it == usage.end() ? 0 : it->second;
  };
  return used(job.account) < used(head.account);
}

// Everything queued, in order, with one reservation: for the first job that waits for something
// that will come. What nothing will ever satisfy reserves nothing.
void plan_queue(Tx& tx) {
  RentableNodes& rentable = tx.soft.rentable;
  std::vector<fabric::Candidate> free, fleet;  // looked up again after each start
  fabric::Site site;
  const auto look = [&] {
    rentable.refresh(tx.machine, tx.now);
    free = rentable.free();
    fleet = rentable.fleet(tx.now);
    site = site_of(tx.machine, tx.now);
  };
  look();
  if (fleet.empty()) return;
  std::optional<jobs::Head> head;
  std::map<std::string, std::uint32_t> hopeless;  // an account can't hide others behind such jobs
  const jobs::Queue& queue = tx.d.jobs.queue();
  const bool shared = queue.accounts().size() > 1;
  const auto usage = shared ? tx.d.usage(tx.now) : std::map<std::string, std::int64_t>{};
  for (const JobId id : queue.first(2 * limits::backfill_depth_max, usage)) {
    const Job& job = tx.d.jobs.at(id);
    if (job.retry_at > tx.now || hopeless[job.account] >= limits::backfill_depth_max / 4) continue;
    if (head && free.empty()) break;
    const fabric::Request request = request_of(job.spec);
    std::optional<fabric::Placement> placement;
    if (head)
      placement = jobs::backfill(request, *head, free, fleet, site, tx.now);
    else if (free.size() >= request.nodes)
      placement = fabric::place(request, free, site, tx.now).placement;
    if (placement && funded(tx, job, *placement)) {
      start(tx, id, *placement);
      look();
    } else if (!head) {
      const auto at =
          placement ? std::nullopt : fabric::earliest_start(request, fleet, site, tx.now);
      if (at) {
        head = jobs::Head{request, *at};
        tx.soft.plan.head = id;
        tx.soft.plan.head_at = *at;
      } else {
        ++hopeless[job.account];
      }
    }
  }
}

}  // namespace

fabric::Request request_of(const JobSpec& spec) {
  fabric::Request r{spec.nodes, spec.gpus_per_node, spec.time,     spec.notice,
                    {},         spec.within,        spec.exclusive};
  if (spec.has_price_max) r.price_max = spec.price_max;
  return r;
}

Price price_of(const Machine& machine, const Offer& offer) {
  return std::max(offer.floor, machine.config.price_default);
}

Funding funding(const Durable& d, const std::string& account, const JobSpec& spec,
                const std::vector<LeaseId>& so_far, const fabric::Placement& placement) {
  const auto cost = escrow_for(placement, spec.time);
  if (!cost) return {cost.error().code, {}, limits::money_max};
  if (spec.cost_cap.micros != 0) {
    Money spent;
    for (const LeaseId lease : so_far) {
      const market::LeaseBook& book = d.leases.at(lease);
      spent = spent + (market::live(book.lease.state) ? book.lease.escrow : book.posted.gross);
    }
    if (spent + *cost > spec.cost_cap) return {Code::place_price, *cost, spec.cost_cap - spent};
  }
  const Money cash = d.ledger.balance(market::cash_of(account));
  if (cash < *cost) return {Code::money_insufficient, *cost, cash};
  return {Code::none, *cost, cash};
}

void plan(Tx& tx) {
  Plan& p = tx.soft.plan;
  for (int round = 0; p.dirty && round < 8; ++round) {
    p = {};
    const bool again = plan_on_leases(tx);
    if (!tx.d.jobs.queue().empty()) plan_queue(tx);
    p.dirty = again;  // what was started here is accounted for
  }
}

void consider(Tx& tx, JobId id) {
  Plan& p = tx.soft.plan;
  const Job& job = tx.d.jobs.at(id);
  if (job.spec.use_lease || (p.head && before_head(tx, job, tx.d.jobs.at(p.head)))) p.dirty = true;
  if (p.dirty) return plan(tx);
  RentableNodes& rentable = tx.soft.rentable;
  rentable.refresh(tx.machine, tx.now);
  const fabric::Request request = request_of(job.spec);
  const fabric::Site site = site_of(tx.machine, tx.now);
  std::optional<fabric::Placement> placement;
  if (rentable.free_count() >= request.nodes)
    placement = p.head ? jobs::backfill(request, {request_of(tx.d.jobs.at(p.head).spec), p.head_at},
                                        rentable.free(), rentable.fleet(tx.now), site, tx.now)
                       : fabric::place(request, rentable.free(), site, tx.now).placement;
  if (placement && funded(tx, job, *placement)) {
    start(tx, id, *placement);
    p.dirty = false;  // that is accounted for
  } else if (!p.head && !placement) {
    const auto at = fabric::earliest_start(request, rentable.fleet(tx.now), site, tx.now);
    if (at) p.head = id, p.head_at = *at;
  }
}

}  // namespace weft::broker
