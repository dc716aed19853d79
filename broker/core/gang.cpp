#include "broker/core/gang.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/planted.hpp"
#include "broker/core/arm.hpp"
#include "broker/core/renting.hpp"
#include "broker/core/slices.hpp"
#include "broker/jobs/blame.hpp"

namespace weft::broker {
namespace {

// Is the node's worker expected to answer? A silent one is not waited for: it is not used either
// before it has come back and holds nothing.
bool heard_of(const Tx& tx, NodeId node) { return tx.d.nodes.at(node).state == NodeState::up; }

void to_others(Tx& tx, const Attempt& attempt, NodeId but, const OrderBody& order) {
  for (const NodeId node : attempt.nodes)
    if (node != but) tx.order(node, order);
}

void all_ended_well(Tx& tx, const jobs::AttemptBook& book) {
  const Attempt a = book.attempt;
  tx.soft.launches[a.id].stopping_at = tx.now;
  tx.emit(AttemptMoved{a.id, AttemptState::stopping, Outcome::succeeded, Cause::done, {}, tx.now});
  const Job job = tx.d.jobs.at(a.job);
  move_job(tx, a.job,
           {.state = JobState::succeeded,
            .cause = Cause::done,
            .text = fmt::format("succeeded: all {} ranks exited with 0", book.ranks())});
  const Lease& lease = tx.d.leases.at(a.lease).lease;
  if (lease.job == job.id && job.spec.keep.ms == 0) close_lease(tx, a.lease, Cause::done);
  if (planted(5)) end_if_over(tx, a.id);
}

// The evidence that explains the end of `end`: a rank that died because a peer had.
const RankBlames* accused_another(const Launch& launch, const jobs::AttemptBook& book,
                                  const RankEnd& end) {
  if (end.state != RankState::exited) return nullptr;
  for (const RankBlames& b : launch.accused)
    if (b.reporter == end.rank && b.culprit != end.rank && !book.ends.contains(b.culprit))
      return &b;
  return nullptr;
}

void left_early(Tx& tx, AttemptId id, const RankBlames& says) {
  const jobs::AttemptBook& book = tx.d.jobs.at(id);
  RankEnd end = book.ends.at(says.culprit);
  end.state = RankState::left_early;
  Blame blame = jobs::blame_for(end, tx.d.nodes.at(book.node_of(says.culprit)));
  blame.detail = fmt::format("rank {} exited with 0; rank {} waited for it: {}", says.culprit,
                             says.reporter, says.detail);
  tx.emit(RankEnded{id, end, tx.now});
  stop_attempt(tx, id, Outcome::failed, Cause::rank_failed, blame);
}

void refine_blame(Tx& tx, const jobs::AttemptBook& book, const RankEnd& end) {
  const Attempt a = book.attempt;
  if (a.cause != Cause::rank_failed || end.state == RankState::stopped || !jobs::bad(end)) return;
  const Launch& launch = tx.soft.launches[a.id];
  if (tx.now - launch.stopping_at > limits::blame_patience) return;
  const Blame better = jobs::blame_for(end, tx.d.nodes.at(book.node_of(end.rank)));
  if (!jobs::explains_better(better, a.blame)) return;
  tx.emit(AttemptMoved{a.id, AttemptState::stopping, a.outcome, a.cause, better, tx.now});
  for (const NodeId node : a.nodes)
    if (tx.d.jobs.at(a.id).runs_on(node)) tx.order(node, stop_order(tx, tx.d.jobs.at(a.id)));
}

}  // namespace

Prepare prepare_order(const Tx& tx, const jobs::AttemptBook& book, NodeId node) {
  const Attempt& a = book.attempt;
  const Job& job = tx.d.jobs.at(a.job);
  const Lease& lease = tx.d.leases.at(a.lease).lease;
  Prepare p;
  p.attempt = a.id;
  p.job = a.job;
  p.lease = a.lease;
  p.account = job.account;
  p.attempt_number = a.number;
  p.restarts = job.restarts;
  p.generation = a.generation;
  p.node_index = book.first_rank_on(node) / book.ranks_per_node;
  for (const NodeId n : a.nodes) {
    const Node& member = tx.d.nodes.at(n);
    p.gang.push_back({member.name, member.inventory.address});
  }
  p.spec = job.spec;
  add_environment(tx, lease, p.spec);
  // The term begins at GO, which carries the exact rest: until then err on the late side.
  p.lease_left = lease.state == LeaseState::active
                     ? std::max(Duration{}, lease.ends_at - tx.now)
                     : lease.term + tx.machine.config.prepare_time_max;
  return p;
}

StopAttempt stop_order(const Tx& tx, const jobs::AttemptBook& book) {
  const Attempt& a = book.attempt;
  StopAttempt s{a.id, a.cause, a.blame, tx.machine.config.stop_grace};
  if (a.cause == Cause::time_limit || a.cause == Cause::lease_end)
    s.grace = grace_of(tx.machine, tx.d.jobs.at(a.job).spec);
  return s;
}

Go go_order(const Tx& tx, const jobs::AttemptBook& book) {
  return {book.attempt.id,
          std::max(Duration{}, tx.d.leases.at(book.attempt.lease).lease.ends_at - tx.now)};
}

void launch(Tx& tx, JobId id, LeaseId lease_id) {
  const Job job = tx.d.jobs.at(id);
  const Lease lease = tx.d.leases.at(lease_id).lease;
  Attempt a;
  a.id = {tx.d.next.attempt};
  a.job = id;
  a.lease = lease_id;
  a.number = a.generation = job.attempts + 1;
  a.nodes = lease.nodes;
  a.nodes.resize(std::min<std::size_t>(a.nodes.size(), job.spec.nodes));
  a.made_at = tx.now;
  if (lease.state == LeaseState::granted)
    tx.emit(LeaseMoved{lease_id, LeaseState::preparing, Cause::none, tx.now, lease.ends_at});
  tx.emit(AttemptMade{a});
  move_job(tx, id,
           {.state = JobState::starting,
            .text = fmt::format("attempt {}: preparing {} ranks on {} nodes", a.number,
                                a.nodes.size() * job.spec.ranks_per_node, a.nodes.size()),
            .lease = lease_id});
  tx.soft.launches[a.id];
  for (const NodeId node : a.nodes) tx.order(node, prepare_order(tx, tx.d.jobs.at(a.id), node));
}

void node_prepared(Tx& tx, AttemptId id, NodeId node) {
  const jobs::AttemptBook& book = tx.d.jobs.at(id);
  if (book.attempt.state == AttemptState::running) return tx.order(node, go_order(tx, book));
  if (book.attempt.state != AttemptState::preparing) return tx.order(node, stop_order(tx, book));
  tx.soft.launches[id].prepared.insert(node);
  go_when_ready(tx, id);
}

void go_when_ready(Tx& tx, AttemptId id) {
  const jobs::AttemptBook& book = tx.d.jobs.at(id);
  if (book.attempt.state != AttemptState::preparing || !delivered(tx, book.attempt.lease)) return;
  const Launch& launch = tx.soft.launches[id];
  const std::size_t missing = book.attempt.nodes.size() - launch.prepared.size();
  if (missing > (planted(6) && book.attempt.nodes.size() > 1 ? 1u : 0u)) return;
  const Attempt a = book.attempt;
  tx.emit(AttemptMoved{id, AttemptState::running, Outcome::none, Cause::none, {}, tx.now});
  start_billing(tx, a.lease);
  move_job(tx, a.job,
           {.state = JobState::running,
            .text = fmt::format("running: {} ranks on {} nodes", book.ranks(), a.nodes.size())});
  for (const NodeId n : a.nodes) tx.order(n, go_order(tx, tx.d.jobs.at(id)));
}

void abort_launch(Tx& tx, AttemptId id, const Blame& blame) {
  const Attempt a = tx.d.jobs.at(id).attempt;
  const bool by_user = blame.code == Code::launch_exec || blame.code == Code::launch_workdir;
  if (!by_user) {
    const Instant until = tx.now + limits::quarantine;
    tx.soft.workers[blame.node].quarantined_until = until;
    tx.touch(blame.node);
    tx.soft.timers.set({TimerKind::quarantine, blame.node.value}, until);
    // A restart's launch is billed: not when weft is at fault.
    credit(tx, a.lease, Cause::launch_failed, a.made_at);
  }
  stop_attempt(tx, id, Outcome::aborted, Cause::launch_failed, blame);
}

void stop_attempt(Tx& tx, AttemptId id, Outcome outcome, Cause cause, const Blame& blame) {
  const Attempt before = tx.d.jobs.at(id).attempt;
  if (before.state == AttemptState::ended) return;
  if (before.state != AttemptState::stopping) tx.soft.launches[id].stopping_at = tx.now;
  tx.emit(AttemptMoved{id, AttemptState::stopping, outcome, cause, blame, tx.now});
  const Job job = tx.d.jobs.at(before.job);
  if (!ended(job.state)) {
    std::string text = fmt::format("stopping: {}", to_string(cause));
    if (blame.code != Code::none) text = fmt::format("stopping: {}", jobs::sentence(blame));
    move_job(tx, job.id, {.state = JobState::stopping, .cause = cause, .text = std::move(text)});
  }
  const jobs::AttemptBook& book = tx.d.jobs.at(id);
  for (const NodeId node : before.nodes)
    if (book.runs_on(node)) tx.order(node, stop_order(tx, book));
  const bool own_lease = tx.d.leases.at(before.lease).lease.job == before.job;
  if (own_lease && fate_of(tx, tx.d.jobs.at(before.job), book.attempt) != Fate::restart_here)
    close_lease(tx, before.lease, cause);
  end_if_over(tx, id);
}

void rank_ended(Tx& tx, AttemptId id, const RankEnd& end) {
  const jobs::AttemptBook& book = tx.d.jobs.at(id);
  if (book.attempt.state == AttemptState::ended || book.ends.contains(end.rank)) return;
  tx.emit(RankEnded{id, end, tx.now});
  const Attempt a = book.attempt;
  const NodeId node = book.node_of(end.rank);
  if (a.state == AttemptState::stopping) return refine_blame(tx, book, end);
  if (a.state == AttemptState::preparing) {
    Blame blame = jobs::blame_for(end, tx.d.nodes.at(node));
    if (blame.code != Code::launch_exec) blame.code = Code::launch_refused;
    return abort_launch(tx, id, blame);
  }
  Launch& launch = tx.soft.launches[id];
  if (jobs::bad(end)) {
    if (accused_another(launch, book, end)) return;  // the blame timer runs: see accuse()
    return stop_attempt(tx, id, Outcome::failed, Cause::rank_failed,
                        jobs::blame_for(end, tx.d.nodes.at(node)));
  }
  for (const RankBlames& says : launch.accused)
    if (says.culprit == end.rank) return left_early(tx, id, RankBlames(says));
  if (book.ends.size() == book.ranks()) {
    const bool all_well = std::none_of(book.ends.begin(), book.ends.end(),
                                       [](const auto& e) { return jobs::bad(e.second); });
    if (all_well) return all_ended_well(tx, book);
    return blame_timer(
        tx, id);  // a victim's end waits for an explanation, and nobody is left to give one
  }
  Blame informs;
  informs.rank = end.rank;
  informs.node = node;
  informs.node_name = tx.d.nodes.at(node).name;
  to_others(tx, a, node, PeerEnded{id, informs});
}

void node_cleared(Tx& tx, AttemptId id, NodeId node) {
  const jobs::AttemptBook& book = tx.d.jobs.at(id);
  if (!book.runs_on(node)) return;
  const Attempt a = book.attempt;
  tx.emit(NodeCleared{id, node, tx.now});
  if (a.state == AttemptState::ended) return;
  const Lease& lease = tx.d.leases.at(a.lease).lease;
  if (lease.state == LeaseState::closing) node_back(tx, a.lease, node);
  end_if_over(tx, id);
}

void end_if_over(Tx& tx, AttemptId id) {
  const jobs::AttemptBook& book = tx.d.jobs.at(id);
  if (book.attempt.state != AttemptState::stopping) return;
  for (const NodeId node : book.attempt.nodes)
    if (!planted(5) && book.runs_on(node) && heard_of(tx, node)) return;
  const Attempt a = book.attempt;
  for (std::uint32_t rank = 0; rank < book.ranks() && a.go_at != Instant{}; ++rank) {
    if (book.ends.contains(rank)) continue;
    const bool lost = !heard_of(tx, book.node_of(rank));
    RankEnd end;
    end.rank = rank;
    end.state = lost ? RankState::lost : RankState::stopped;
    tx.emit(RankEnded{id, end, tx.now});
  }
  tx.emit(AttemptMoved{id, AttemptState::ended, a.outcome, a.cause, a.blame, tx.now});
  tx.soft.launches.erase(id);
  attempt_over(tx, a.job, id);
  finish_lease(tx, a.lease);
}

void gang_lost_node(Tx& tx, AttemptId id, const Node& node, Code code, const std::string& detail,
                    Instant since) {
  const jobs::AttemptBook& book = tx.d.jobs.at(id);
  const Attempt a = book.attempt;
  const Blame blame = jobs::blame_for_silence(node, book.first_rank_on(node.id), code, detail);
  if (a.state == AttemptState::preparing) return abort_launch(tx, id, blame);
  if (a.state == AttemptState::running) {
    credit(tx, a.lease, Cause::node_lost, since);
    return stop_attempt(tx, id, Outcome::lost, Cause::node_lost, blame);
  }
  const Lease& lease = tx.d.leases.at(a.lease).lease;
  if (lease.state == LeaseState::closing) {
    if (tx.d.nodes.at(node.id).meter == MeterClass::billed)
      set_meter(tx, node.id, MeterClass::idle, lease.id, since, Cause::none);
    post(tx, a.lease);
  } else {
    credit(tx, a.lease, Cause::node_lost, since);
  }
  end_if_over(tx, id);
}

void accuse(Tx& tx, const RankBlames& says) {
  const jobs::AttemptBook* book = tx.d.jobs.find(says.attempt);
  if (!book || book->attempt.state != AttemptState::running) return;
  if (says.generation != book->attempt.generation)
    return;  // an old generation's ranks blame nobody
  if (says.culprit >= book->ranks() || says.reporter >= book->ranks()) return;
  const auto end = book->ends.find(says.culprit);
  if (end != book->ends.end() && !jobs::bad(end->second)) return left_early(tx, says.attempt, says);
  Launch& launch = tx.soft.launches[says.attempt];
  if (launch.accused.size() >= limits::ranks_per_node_max) return;
  launch.accused.push_back(says);
  // The culprit's own worker knows best what became of it: give its word time to come.
  if (launch.accused.size() == 1)
    tx.soft.timers.set({TimerKind::blame, says.attempt.value}, tx.now + limits::blame_patience);
}

void blame_timer(Tx& tx, AttemptId id) {
  const jobs::AttemptBook& book = tx.d.jobs.at(id);
  const Launch& launch = tx.soft.launches[id];
  if (book.attempt.state != AttemptState::running || launch.accused.empty()) return;
  const RankBlames says = launch.accused.front();
  Blame blame;
  blame.code =
      says.code == Code::none || says.code == Code::peer_left ? Code::peer_unreachable : says.code;
  blame.rank = says.culprit;
  blame.node = book.node_of(says.culprit);
  blame.node_name = tx.d.nodes.at(blame.node).name;
  blame.detail = fmt::format("rank {}: {}", says.reporter, says.detail);
  stop_attempt(tx, id, Outcome::failed, Cause::rank_failed, blame);
}

void repeat_orders_to(Tx& tx, AttemptId id, NodeId node) {
  const jobs::AttemptBook& book = tx.d.jobs.at(id);
  switch (book.attempt.state) {
    case AttemptState::preparing: {
      const auto launch = tx.soft.launches.find(id);
      if (launch != tx.soft.launches.end() && launch->second.prepared.contains(node)) return;
      return tx.order(node, prepare_order(tx, book, node));
    }
    case AttemptState::running: return tx.order(node, go_order(tx, book));
    // Also of an attempt that ended without this node.
    case AttemptState::stopping:
    case AttemptState::ended: return tx.order(node, stop_order(tx, book));
  }
}

void repeat_orders(Tx& tx, AttemptId id) {
  if (planted(10)) return;
  const jobs::AttemptBook& book = tx.d.jobs.at(id);
  if (book.attempt.state == AttemptState::ended) return;
  for (const NodeId node : book.attempt.nodes)
    if (book.runs_on(node)) repeat_orders_to(tx, id, node);
  Duration again = limits::order_repeat;
  // A worker that missed GO repeats Prepared; a few repeats spare it the wait.
  if (book.attempt.state == AttemptState::running) {
    Launch& launch = tx.soft.launches[id];
    if (++launch.repeats > 3) return;
    again = limits::order_repeat * (std::int64_t{1} << launch.repeats);
  }
  tx.soft.timers.set({TimerKind::repeat, id.value}, tx.now + again);
}

}  // namespace weft::broker
