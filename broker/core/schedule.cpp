#include "broker/core/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "broker/core/gang.hpp"
#include "broker/core/renting.hpp"
#include "broker/jobs/backfill.hpp"
#include "broker/jobs/blame.hpp"

namespace weft::broker {
namespace {

bool clean(const Machine& m, NodeId node) {
  const auto it = m.soft.workers.find(node);
  return it != m.soft.workers.end() && it->second.session && it->second.strangers.empty() &&
         !m.durable.jobs.on_node(node);
}

fabric::Candidate candidate(const Machine& m, const Node& node, const Offer& offer) {
  fabric::Candidate c;
  c.node = node.id;
  c.owner = m.durable.nodes.owner_index(node);
  c.units = node.units;
  c.gpus = static_cast<std::uint32_t>(node.inventory.gpus.size());
  c.price = price_of(m, offer);
  c.notice = offer.notice;
  c.until = offer.until;
  return c;
}

Instant free_at(const Machine& m, const Node& node, Instant now) {
  const Durable& d = m.durable;
  const auto worker = m.soft.workers.find(node.id);
  Instant at = now;
  if (node.lease) {
    const Lease& lease = d.leases.at(node.lease).lease;
    const bool going = lease.state == LeaseState::closing || lease.state == LeaseState::returning;
    at = going ? now + m.config.stop_grace : lease.ends_at;
    if (lease.state == LeaseState::preparing) at = at + m.config.prepare_time_max;
    at = std::max(at, now + milliseconds(1));  // overdue, and still not free
  } else if (const QuoteId quote = d.quotes.reserving(node.id)) {
    at = std::max(market::Quotes::reserved_until(*d.quotes.find(quote)), now + milliseconds(1));
  } else if (!clean(m, node.id)) {
    at = now + m.config.stop_grace;
  }
  if (worker != m.soft.workers.end()) at = std::max(at, worker->second.quarantined_until);
  return at;
}

std::string placed_text(const Tx& tx, const fabric::Placement& p) {
  std::string names;
  for (std::size_t i = 0; i < p.nodes.size() && i < 8; ++i)
    names += (i ? " " : "") + tx.d.nodes.at(p.nodes[i]).name;
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

void take(std::vector<fabric::Candidate>& free, const fabric::Placement& p) {
  std::erase_if(free, [&](const auto& c) {
    return std::binary_search(p.nodes.begin(), p.nodes.end(), c.node);
  });
}

bool funded(const Tx& tx, const Job& job, const fabric::Placement& p) {
  return funding(tx.d, job.account, job.spec, tx.d.leases.of_job(job.id), p).blocker == Code::none;
}

// Jobs that named a lease, in order: one at a time, while all its nodes are there.
// True: one of them gave up, so the next in its line may start.
bool plan_on_leases(Tx& tx) {
  bool again = false;
  std::vector<std::pair<LeaseId, JobId>> first;
  for (const auto& [lease, jobs] : tx.d.jobs.on_lease()) first.emplace_back(lease, jobs.begin()->job);
  for (const auto& [id, job] : first) {
    const market::LeaseBook* book = tx.d.leases.find(id);
    if (!book || book->lease.state != LeaseState::active || tx.d.jobs.using_lease(id)) continue;
    const Job& waiting = tx.d.jobs.at(job);
    if (waiting.retry_at > tx.now) continue;
    if (tx.now + waiting.spec.time > book->lease.ends_at) {
      move_job(tx, job, {.state = JobState::unplaced, .cause = Cause::lease_end,
                         .text = fmt::format("unplaced: lease {} ends too soon", id.value),
                         .exit_code = jobs::exit_unplaced});
      again = true;
      continue;
    }
    const auto& nodes = book->lease.nodes;
    if (!std::all_of(nodes.begin(), nodes.end(), [&](NodeId n) { return clean(tx.machine, n); })) continue;
    move_job(tx, job, {.state = JobState::placing, .text = fmt::format("on lease {}", id.value), .lease = id});
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

// Everything queued, in order, with one reservation: for the first job that waits for something that
// will come. What nothing will ever satisfy reserves nothing.
void plan_queue(Tx& tx) {
  std::vector<fabric::Candidate> free = free_nodes(tx.machine, tx.now);
  std::vector<fabric::Candidate> all = fleet(tx.machine, tx.now);
  std::optional<jobs::Head> head;
  JobId head_job;
  std::map<std::string, std::uint32_t> hopeless;  // an account can't hide others behind such jobs
  if (!all.empty()) {
    for (const JobId id : tx.d.jobs.queue().first(2 * limits::backfill_depth_max, tx.d.usage(tx.now))) {
      const Job& job = tx.d.jobs.at(id);
      if (job.retry_at > tx.now || hopeless[job.account] >= limits::backfill_depth_max / 4) continue;
      const fabric::Request request = request_of(job.spec);
      std::optional<fabric::Placement> placement;
      if (head)
        placement = jobs::backfill(request, *head, free, all, tx.now);
      else if (free.size() >= request.nodes)
        placement = fabric::place(request, free, tx.now).placement;
      if (placement && funded(tx, job, *placement)) {
        take(free, *placement);
        const Instant until = tx.now + tx.machine.config.prepare_time_max + job.spec.time;
        all = jobs::with_held(std::move(all), *placement, until);
        start(tx, id, *placement);
      } else if (!head) {
        const auto at = placement ? std::nullopt : fabric::earliest_start(request, all, tx.now);
        if (at) head = jobs::Head{request, *at}, head_job = id;
        else ++hopeless[job.account];
      }
    }
  }
  tx.soft.plan.free = std::move(free);
  tx.soft.plan.head = head_job;
  tx.soft.plan.head_at = head ? head->at : Instant{};
}

}  // namespace

fabric::Request request_of(const JobSpec& spec) {
  fabric::Request r{spec.nodes, spec.gpus_per_node, spec.time, spec.notice, {}};
  if (spec.has_price_max) r.price_max = spec.price_max;
  return r;
}

Price price_of(const Machine& machine, const Offer& offer) {
  return std::max(offer.floor, machine.config.price_default);
}

std::vector<fabric::Candidate> free_nodes(const Machine& m, Instant now) {
  std::vector<fabric::Candidate> out;
  for (const auto& [id, node] : m.durable.nodes.all()) {
    if (node.state != NodeState::up || node.lease || m.durable.quotes.reserving(id)) continue;
    const Offer* offer = m.durable.offers.open_for(id);
    if (!offer || !clean(m, id) || m.soft.workers.at(id).quarantined_until > now) continue;
    out.push_back(candidate(m, node, *offer));
  }
  return out;
}

std::vector<fabric::Candidate> fleet(const Machine& m, Instant now) {
  std::vector<fabric::Candidate> out;
  for (const auto& [id, node] : m.durable.nodes.all()) {
    const Offer* offer = m.durable.offers.open_for(id);
    if (node.state != NodeState::up || !offer) continue;
    out.push_back(candidate(m, node, *offer));
    out.back().free_at = free_at(m, node, now);
  }
  return out;
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
    // With nothing queued, what is free is looked up when the first job comes.
    p.dirty = again || tx.d.jobs.queue().empty();
    if (!again) return;
  }
}

void consider(Tx& tx, JobId id) {
  Plan& p = tx.soft.plan;
  const Job& job = tx.d.jobs.at(id);
  if (job.spec.use_lease || (p.head && before_head(tx, job, tx.d.jobs.at(p.head)))) p.dirty = true;
  if (p.dirty) return plan(tx);
  const fabric::Request request = request_of(job.spec);
  std::optional<fabric::Placement> placement;
  if (p.head) {
    if (p.free.size() < request.nodes) return;  // the usual case in a long queue
    placement = jobs::backfill(request, {request_of(tx.d.jobs.at(p.head).spec), p.head_at}, p.free,
                               fleet(tx.machine, tx.now), tx.now);
  } else {
    placement = fabric::place(request, p.free, tx.now).placement;
  }
  if (placement && funded(tx, job, *placement)) {
    take(p.free, *placement);
    start(tx, id, *placement);
    p.dirty = false;  // that is accounted for
  } else if (!p.head && !placement) {
    const auto at = fabric::earliest_start(request, fleet(tx.machine, tx.now), tx.now);
    if (at) p.head = id, p.head_at = *at;
  }
}

}  // namespace weft::broker
