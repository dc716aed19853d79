#include "broker/core/workers.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/planted.hpp"
#include "broker/core/arm.hpp"
#include "broker/core/gang.hpp"
#include "broker/core/holdings.hpp"
#include "broker/core/probing.hpp"
#include "broker/core/renting.hpp"
#include "broker/core/waiting.hpp"

namespace weft::broker {
namespace {

void dismiss(Tx& tx, SessionId session, Code code, std::string detail) {
  tx.order(session, Dismissed{code, std::move(detail)});
  tx.disconnect(session);
}

void heard(Tx& tx, NodeId node) {
  tx.soft.workers[node].heard = tx.now;
  tx.soft.timers.set({TimerKind::silence, node.value}, tx.now + tx.machine.config.silence_max);
}

// Binds the session to the node; the worker's earlier session is over.
void bind(Tx& tx, SessionId session, NodeId node, Incarnation before, Incarnation now) {
  Worker& worker = tx.soft.workers[node];
  if (worker.session && worker.session != session) {
    tx.soft.session_nodes.erase(worker.session);
    if (before != now)
      dismiss(tx, worker.session, Code::worker_superseded,
              "another process of this worker has joined: this one is over");
    else
      tx.disconnect(worker.session);
  }
  worker.session = session;
  tx.soft.session_nodes[session] = node;
  heard(tx, node);
  tx.touch(node);
}

Duration reconnect_max(const Durable& d) {
  // One gateway takes some 300 CURVE handshakes a second (control plane, section 9).
  return std::max(seconds(10),
                  Duration{static_cast<std::int64_t>(d.nodes.all().size()) * 1'000 / 300});
}

// The node's entry as the worker describes itself; units of a leased node stay what was rented.
Node described(const Node& before, const Join& join, Incarnation incarnation) {
  Node node = before;
  node.incarnation = incarnation;
  node.inventory = join.inventory;
  node.state = NodeState::up;
  return node;
}

void enroll_node(Tx& tx, const KeyEntry& key, const Join& join, Incarnation incarnation) {
  Node node;
  node.id = {tx.d.next.node};
  node.name = key.name;
  node.owner = key.account;
  node.principal = key.principal;
  node.units = fabric::units_of(join.inventory);
  node.meter = MeterClass::owner;
  node.since = tx.now;
  tx.emit(NodePut{described(node, join, incarnation)});
}

// An echo, or what this process said on a connection that it has left since: the Join of a newer
// one has been handled, and what has been ordered after that is not among these holdings. Taking it
// for news would declare a node clear while its ranks run.
bool stale_join(const Tx& tx, const KeyEntry& key, const Envelope& envelope) {
  const Node* known = tx.d.nodes.find(key.principal);
  if (known == nullptr || known->incarnation != envelope.incarnation) return false;
  const auto worker = tx.soft.workers.find(known->id);
  return worker != tx.soft.workers.end() && envelope.sequence <= worker->second.joined;
}

void on_join(Tx& tx, SessionId session, const KeyEntry& key, const Envelope& envelope,
             const Join& join) {
  const Incarnation incarnation = envelope.incarnation;
  if (join.node_name != key.name)
    return dismiss(
        tx, session, Code::auth_denied,
        fmt::format("this key is enrolled for node '{}', not '{}'", key.name, join.node_name));
  if (!incarnation)
    return dismiss(tx, session, Code::wire_malformed, "a report without an incarnation");
  if (join.epoch_seen > tx.d.epoch) {
    tx.note(
        Note::Level::error,
        fmt::format(
            "worker {} has seen epoch {}, this broker is at {}: its state directory is an old copy",
            key.name, join.epoch_seen.value, tx.d.epoch.value));
    return dismiss(
        tx, session, Code::epoch_fenced,
        fmt::format("this broker is at epoch {} and cannot give orders", tx.d.epoch.value));
  }
  const Node* known = tx.d.nodes.find(key.principal);
  if (!planted(7) && known && tx.d.nodes.superseded(known->id, incarnation))
    return dismiss(tx, session, Code::worker_superseded,
                   "a newer process of this worker has joined");
  const Incarnation before = known ? known->incarnation : Incarnation{};
  if (!known) {
    enroll_node(tx, key, join, incarnation);
    known = tx.d.nodes.find(key.principal);
  } else {
    const Node node = described(*known, join, incarnation);
    if (!(node == *known)) tx.emit(NodePut{node});
  }
  const NodeId node = known->id;
  const bool first = !tx.soft.session_nodes.contains(session);
  bind(tx, session, node, before, incarnation);
  tx.soft.workers[node].joined = envelope.sequence;
  settle_node(tx, node);
  tx.order(node, Welcome{node, tx.machine.config.heartbeat, reconnect_max(tx.d)});
  compare_holdings(tx, node, join.holdings, first);
  resume_lease(tx, node);
  resend_tickets(tx, node);
}

struct OnReport {
  Tx& tx;
  NodeId node;
  void operator()(const auto&) {}
  void operator()(const Prepared& m) { prepared(tx, node, m); }
  void operator()(const RankGone& m) { rank_gone(tx, node, m.attempt, m.end); }
  void operator()(const AttemptGone& m) { attempt_gone(tx, node, m.attempt); }
  void operator()(const MeshSeed& m) { mesh_seed(tx, node, m); }
  void operator()(const RankBlames& m) {
    const jobs::AttemptBook* book = tx.d.jobs.find(m.attempt);
    if (book && book->runs_on(node)) accuse(tx, m);
  }
  void operator()(const RankProgress& m) { progress(tx, node, m); }
  void operator()(const LogPiece& m) { log_piece(tx, node, m); }
  void operator()(const ProbeOpened& m) { probe_opened(tx, node, m); }
  void operator()(const ProbeDone& m) { probe_done(tx, node, m); }
  void operator()(const Fenced& m) {
    tx.note(Note::Level::error,
            fmt::format("worker {} obeys epoch {}, this broker is at {}: another broker leads",
                        tx.d.nodes.at(node).name, m.mine.value, tx.d.epoch.value));
  }
};

}  // namespace

void on_report(Tx& tx, SessionId session, const KeyEntry& key, const Envelope& envelope) {
  const Report& report = std::get<Report>(envelope.body);
  const auto bound = tx.soft.session_nodes.find(session);
  if (const Join* join = std::get_if<Join>(&report.body)) {
    if (!stale_join(tx, key, envelope)) return on_join(tx, session, key, envelope, *join);
    if (bound == tx.soft.session_nodes.end()) tx.disconnect(session);
    return;
  }
  if (bound == tx.soft.session_nodes.end()) {
    const Node* node = tx.d.nodes.find(key.principal);
    if (node && tx.d.nodes.superseded(node->id, envelope.incarnation) && !planted(7))
      return dismiss(tx, session, Code::worker_superseded,
                     "a newer process of this worker has joined");
    return tx.disconnect(session);  // every session begins with Join: let it begin again
  }
  const NodeId node = bound->second;
  if (!planted(7) && envelope.incarnation != tx.d.nodes.at(node).incarnation)
    return dismiss(tx, session, Code::worker_superseded,
                   "a newer process of this worker has joined");
  heard(tx, node);
  std::visit(OnReport{tx, node}, report.body);
}

void session_closed(Tx& tx, SessionId session) {
  tx.soft.sessions.erase(session);
  drop_waiters(tx, session);
  const auto it = tx.soft.session_nodes.find(session);
  if (it == tx.soft.session_nodes.end()) return;
  Worker& worker = tx.soft.workers[it->second];
  if (worker.session == session) worker.session = {};
  tx.touch(it->second);
  tx.soft.session_nodes.erase(it);
}

void sessions_alive(Tx& tx, const std::vector<SessionId>& sessions) {
  for (const SessionId session : sessions) {
    const auto it = tx.soft.session_nodes.find(session);
    if (it != tx.soft.session_nodes.end()) heard(tx, it->second);
  }
}

void grace_for_all(Tx& tx) {
  for (const auto& [id, node] : tx.d.nodes.all()) {
    if (node.state != NodeState::up) continue;
    Worker& worker = tx.soft.workers[id];
    if (worker.session) continue;
    if (worker.heard == Instant{})
      worker.heard = std::max(tx.d.at, node.since);  // the last evidence
    tx.soft.timers.set({TimerKind::silence, id.value}, tx.now + tx.machine.config.recovery_grace);
  }
}

void silence_due(Tx& tx, NodeId node, Instant due) {
  if (tx.d.nodes.at(node).state != NodeState::up) return;
  // A timer that is late by a heartbeat says that the broker itself stood still: it blames nobody.
  if (tx.now - due > tx.machine.config.heartbeat)
    return tx.soft.timers.set({TimerKind::silence, node.value},
                              tx.now + tx.machine.config.silence_max);
  const Instant heard = tx.soft.workers[node].heard;
  node_gone(tx, node, NodeState::silent,
            fmt::format("its worker was silent for {}", to_string(tx.now - heard)));
}

void node_gone(Tx& tx, NodeId id, NodeState state, const std::string& detail) {
  Node node = tx.d.nodes.at(id);
  Worker& worker = tx.soft.workers[id];
  tx.soft.timers.cancel({TimerKind::silence, id.value});
  if (worker.session) {
    tx.disconnect(worker.session);  // whatever comes through it is of the past: let it join again
    tx.soft.session_nodes.erase(worker.session);
    worker.session = {};
  }
  const Instant heard = worker.heard == Instant{} ? tx.now : worker.heard;
  node.state = state;
  tx.emit(NodePut{node});
  tx.note(Note::Level::warn, fmt::format("node {}: {}", node.name, detail));
  if (const QuoteId quote = tx.d.quotes.reserving(id))
    end_quote(tx, *tx.d.quotes.find(quote), QuoteState::voided);
  if (!node.lease) return settle_node(tx, id);
  const Lease lease = tx.d.leases.at(node.lease).lease;
  const AttemptId attempt = tx.d.jobs.using_lease(node.lease);
  const bool in_gang = attempt && tx.d.jobs.at(attempt).runs_on(id);
  if (in_gang) return gang_lost_node(tx, attempt, node, Code::node_silent, detail, heard);
  if (lease.state == LeaseState::active) {
    credit(tx, node.lease, Cause::node_lost, heard);
    if (tx.d.jobs.find(lease.job))
      close_lease(tx, node.lease, Cause::node_lost);
    else
      arm_lease(tx, lease.id);
  }
}

}  // namespace weft::broker
