#include "broker/core/holdings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/planted.hpp"
#include "broker/core/gang.hpp"
#include "broker/core/renting.hpp"
#include "broker/jobs/blame.hpp"

namespace weft::broker {
namespace {

const jobs::AttemptBook* here(const Tx& tx, NodeId node, AttemptId attempt) {
  const jobs::AttemptBook* book = tx.d.jobs.find(attempt);
  return book && book->runs_on(node) ? book : nullptr;
}

void tell_seed(Tx& tx, AttemptId attempt, NodeId node) {
  const auto it = tx.soft.launches.find(attempt);
  if (it != tx.soft.launches.end() && !it->second.seed.address.empty())
    tx.order(node, it->second.seed);
}

// What the other nodes' ranks have done, for ranks that may not have heard.
void tell_ends(Tx& tx, const jobs::AttemptBook& book, NodeId node) {
  for (const auto& [rank, end] : book.ends) {
    const NodeId where = book.node_of(rank);
    if (where == node || jobs::bad(end)) continue;
    Blame informs;
    informs.rank = rank;
    informs.node = where;
    informs.node_name = tx.d.nodes.at(where).name;
    tx.order(node, PeerEnded{book.attempt.id, informs});
  }
}

void known_holding(Tx& tx, NodeId node, const jobs::AttemptBook& book, const Holding& h) {
  const AttemptId id = h.attempt;
  if (!h.seed.empty()) mesh_seed(tx, node, {id, book.attempt.generation, h.seed});
  for (const RankReport& r : h.ranks)
    if (r.ended) rank_gone(tx, node, id, r.end);
  if (h.gone) return attempt_gone(tx, node, id);
  if (planted(10)) return;
  switch (book.attempt.state) {
    case AttemptState::preparing: tx.order(node, prepare_order(tx, book, node)); break;
    case AttemptState::running:
      if (!h.released) tx.order(node, go_order(tx, book));
      tell_seed(tx, id, node);
      tell_ends(tx, book, node);
      break;
    // Also of an attempt that ended without this node: it was silent then.
    case AttemptState::stopping:
    case AttemptState::ended: tx.order(node, stop_order(tx, book)); break;
  }
}

// The worker does not know the attempt that should be on its node.
void missing_holding(Tx& tx, NodeId node, AttemptId id) {
  const jobs::AttemptBook& book = tx.d.jobs.at(id);
  if (book.attempt.state == AttemptState::preparing) {
    if (!planted(10)) tx.order(node, prepare_order(tx, book, node));
    return;
  }
  if (book.attempt.state == AttemptState::running) {
    const Node n = tx.d.nodes.at(node);
    gang_lost_node(tx, id, n, Code::worker_lost,
                   "its worker came back without the ranks (rebooted?)", tx.now);
  }
  node_cleared(tx, id, node);
}

}  // namespace

void compare_holdings(Tx& tx, NodeId node, const std::vector<Holding>& holdings, bool first) {
  std::set<AttemptId> strangers, held;
  for (const Holding& h : holdings) {
    held.insert(h.attempt);
    if (const jobs::AttemptBook* book = here(tx, node, h.attempt)) {
      known_holding(tx, node, *book, h);
    } else if (h.gone) {
      tx.order(node, Forget{h.attempt});
    } else {
      strangers.insert(h.attempt);
      tx.order(node, StopAttempt{h.attempt, Cause::none, {}, tx.machine.config.stop_grace});
    }
  }
  tx.soft.workers[node].strangers = std::move(strangers);
  const AttemptId expected = tx.d.jobs.on_node(node);
  if (expected && !held.contains(expected)) {
    if (first)
      missing_holding(tx, node, expected);
    else
      repeat_orders_to(tx, expected, node);
  }
  tx.touch(node);
}

void resume_lease(Tx& tx, NodeId node) {
  const LeaseId id = tx.d.nodes.at(node).lease;
  if (!id) return;
  const Lease lease = tx.d.leases.at(id).lease;
  if (lease.state != LeaseState::active || lease.job || tx.d.jobs.using_lease(id)) return;
  const bool complete = std::all_of(lease.nodes.begin(), lease.nodes.end(), [&](NodeId n) {
    return tx.d.nodes.at(n).state == NodeState::up;
  });
  if (complete) start_billing(tx, id);
}

void prepared(Tx& tx, NodeId node, const Prepared& says) {
  const jobs::AttemptBook* book = here(tx, node, says.attempt);
  if (!book) return;
  if (says.code == Code::none) return node_prepared(tx, says.attempt, node);
  if (book->attempt.state != AttemptState::preparing) return;
  abort_launch(tx, says.attempt,
               jobs::blame_for_silence(tx.d.nodes.at(node), book->first_rank_on(node), says.code,
                                       says.detail));
}

void rank_gone(Tx& tx, NodeId node, AttemptId attempt, const RankEnd& end) {
  const jobs::AttemptBook* book = here(tx, node, attempt);
  if (!book || end.rank >= book->ranks() || book->node_of(end.rank) != node) return;
  rank_ended(tx, attempt, end);
}

void attempt_gone(Tx& tx, NodeId node, AttemptId id) {
  Worker& worker = tx.soft.workers[node];
  const jobs::AttemptBook* book = here(tx, node, id);
  if (!book) {
    if (worker.strangers.erase(id)) tx.touch(node);
    return tx.order(node, Forget{id});
  }
  if (book->attempt.state == AttemptState::running && !book->every_rank_ended_on(node)) {
    // Said before the ends of its ranks: those come again until Forget. If they don't, they are
    // lost.
    const auto [first, fresh] = tx.soft.launches[id].gone_early.try_emplace(node, tx.now);
    if (fresh || tx.now - first->second < limits::order_repeat) return;
    gang_lost_node(tx, id, tx.d.nodes.at(node), Code::worker_lost,
                   "its worker cannot say how its ranks ended", tx.now);
  }
  if (book->attempt.state == AttemptState::preparing) {
    Blame blame = jobs::blame_for_silence(tx.d.nodes.at(node), book->first_rank_on(node),
                                          Code::launch_refused, "its ranks were gone before GO");
    abort_launch(tx, id, blame);
  }
  node_cleared(tx, id, node);
  tx.order(node, Forget{id});
}

void mesh_seed(Tx& tx, NodeId node, const MeshSeed& seed) {
  const jobs::AttemptBook* book = here(tx, node, seed.attempt);
  if (!book || seed.generation != book->attempt.generation || seed.address.empty()) return;
  if (book->attempt.state == AttemptState::ended) return;
  Launch& launch = tx.soft.launches[seed.attempt];
  launch.seed = seed;
  for (const NodeId other : book->attempt.nodes)
    if (other != node) tx.order(other, launch.seed);
}

void progress(Tx& tx, NodeId node, const RankProgress& says) {
  const jobs::AttemptBook* book = here(tx, node, says.attempt);
  if (!book || says.rank >= book->ranks()) return;
  auto& all = tx.soft.progress;
  all[says.attempt][says.rank] = says;
  if (all.size() > 1'024) all.erase(all.begin());  // of jobs that ended long ago
}

}  // namespace weft::broker
