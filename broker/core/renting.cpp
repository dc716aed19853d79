#include "broker/core/renting.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/planted.hpp"
#include "broker/core/arm.hpp"
#include "broker/core/gang.hpp"
#include "broker/core/slices.hpp"

namespace weft::broker {
namespace {

bool metered(const Node& node) {
  return node.meter == MeterClass::billed || node.meter == MeterClass::credited;
}
void move(Tx& tx, const Lease& lease, LeaseState state, Cause cause, Instant ends_at) {
  tx.emit(LeaseMoved{lease.id, state, cause, tx.now, ends_at});
}
void emit_posting(Tx& tx, std::optional<Posted> posted) {
  if (!posted) return;
  posted->id = {tx.d.next.posting};
  tx.emit(std::move(*posted));
}

}  // namespace

void set_meter(Tx& tx, NodeId node, MeterClass meter, LeaseId lease, Instant at, Cause cause) {
  tx.emit(NodeMetered{node, meter, lease, std::max(at, tx.d.nodes.at(node).since), cause});
}

Result<Money> escrow_for(const fabric::Placement& p, Duration term) {
  const Int128 product = quantity(p.units, term) * p.price.micros;
  if (product / quantity_per_unit_hour >= limits::money_max.micros)
    return fail(Code::money_range,
                fmt::format("{} units for {} at {} per unit-hour is more than {}", p.units,
                            to_string(term), to_string(p.price), to_string(limits::money_max)));
  return cost_ceil(p.price, p.units, term);
}

LeaseId grant(Tx& tx, const fabric::Placement& p, const std::string& account, JobId job,
              QuoteId quote, Duration term) {
  Lease lease;
  lease.id = {tx.d.next.lease};
  lease.quote = quote;
  lease.job = job;
  lease.account = account;
  lease.owner = tx.d.nodes.at(p.nodes.front()).owner;
  lease.nodes = rank_order(tx, p);
  lease.slice = slice_for(tx, p.cut);
  lease.price = p.price;
  lease.units = p.units;
  lease.fee_bps = tx.machine.config.fee_bps;
  lease.term = term;
  lease.notice = p.notice;
  lease.granted_at = tx.now;
  // Until GO the end is an estimate: the term begins there.
  lease.ends_at = tx.now + term;
  lease.escrow = cost_ceil(p.price, p.units, term);
  tx.emit(LeaseGranted{lease});
  emit_posting(tx, market::escrow(lease, tx.now));
  return lease.id;
}

void start_billing(Tx& tx, LeaseId id) {
  const Lease lease = tx.d.leases.at(id).lease;
  if (lease.state == LeaseState::preparing) {
    // No lease outlives its offers, though the term may begin a little later than was planned.
    Instant ends_at = tx.now + lease.term;
    for (const NodeId node : lease.nodes)
      if (const Offer* offer = tx.d.offers.open_for(node))
        ends_at = std::min(ends_at, offer->until);
    move(tx, lease, LeaseState::active, Cause::none, ends_at);
  }
  for (const NodeId node : lease.nodes)
    if (tx.d.nodes.at(node).meter != MeterClass::billed)
      set_meter(tx, node, MeterClass::billed, id, tx.now, Cause::none);
  post(tx, id);
  arm_lease(tx, id);
}

void credit(Tx& tx, LeaseId id, Cause cause, Instant from) {
  for (const NodeId node : tx.d.leases.at(id).lease.nodes)
    if (tx.d.nodes.at(node).meter == MeterClass::billed)
      set_meter(tx, node, MeterClass::credited, id, from, cause);
  post(tx, id);
}

void post(Tx& tx, LeaseId id) {
  const market::LeaseBook& book = tx.d.leases.at(id);
  emit_posting(
      tx, market::metered(book.lease, book.posted, book.sums.totals(book.lease.fee_bps), tx.now));
}

void node_back(Tx& tx, LeaseId id, NodeId node) {
  if (!metered(tx.d.nodes.at(node))) return;
  // Time after the end of the term is nobody's bill.
  const Lease& lease = tx.d.leases.at(id).lease;
  const Instant at = lease.active_at == Instant{} ? tx.now : std::min(tx.now, lease.ends_at);
  set_meter(tx, node, MeterClass::idle, id, at, Cause::none);
  post(tx, id);
}

void stop_meter(Tx& tx, LeaseId id, Instant at) {
  for (const NodeId node : tx.d.leases.at(id).lease.nodes)
    if (metered(tx.d.nodes.at(node))) set_meter(tx, node, MeterClass::idle, id, at, Cause::none);
  post(tx, id);
}

void close_lease(Tx& tx, LeaseId id, Cause cause) {
  const Lease lease = tx.d.leases.at(id).lease;
  const auto closing = next_state(market::lease_rows, lease.state, market::LeaseInput::stop);
  if (!closing) return;  // it is ending already
  move(tx, lease, *closing, cause, lease.ends_at);
  for (const NodeId node : lease.nodes)
    if (!tx.d.jobs.on_node(node)) node_back(tx, id, node);
  finish_lease(tx, id);
}

void finish_lease(Tx& tx, LeaseId id) {
  const Lease lease = tx.d.leases.at(id).lease;
  if (lease.state != LeaseState::closing) return;
  if (!planted(5) && tx.d.jobs.using_lease(id)) return;
  move(tx, lease, LeaseState::returning, lease.cause, lease.ends_at);
  stop_meter(tx, id, lease.active_at == Instant{} ? tx.now : std::min(tx.now, lease.ends_at));
  if (!planted(9))
    emit_posting(tx, market::escrow_return(lease, tx.d.leases.at(id).posted.gross, tx.now));
  if (take_back(tx, id)) close_returned(tx, id);
}

void close_returned(Tx& tx, LeaseId id) {
  const Lease lease = tx.d.leases.at(id).lease;
  if (lease.state != LeaseState::returning) return;
  move(tx, lease, LeaseState::closed, lease.cause, lease.ends_at);
  for (const NodeId node : lease.nodes) settle_node(tx, node);
  settle_offers(tx, lease.nodes);
  end_jobs_waiting_for(tx, id);
}

void settle_node(Tx& tx, NodeId id) {
  const Node node = tx.d.nodes.at(id);
  if (node.lease) return;
  const bool to_let = node.state == NodeState::up && tx.d.offers.open_for(id);
  const MeterClass right = to_let ? MeterClass::idle : MeterClass::owner;
  const std::uint32_t units = fabric::units_of(node.inventory);
  if (node.meter != right || node.units != units)
    tx.emit(NodeMetered{id, right, {}, std::max(tx.now, node.since), Cause::none});
  if (node.units != units) {
    Node changed = node;
    changed.units = units;
    tx.emit(NodePut{changed});
  }
}

void settle_offers(Tx& tx, const std::vector<NodeId>& nodes) {
  std::set<OfferId> touched;
  for (const NodeId node : nodes)
    for (const OfferId offer : tx.d.offers.live_for(node)) touched.insert(offer);
  for (const OfferId id : touched) {
    Offer offer = *tx.d.offers.find(id);
    if (offer.state != OfferState::closing) continue;
    const bool used = std::any_of(offer.nodes.begin(), offer.nodes.end(), [&](NodeId node) {
      return tx.d.nodes.at(node).lease || tx.d.quotes.reserving(node);
    });
    if (used) continue;
    offer.state = OfferState::closed;
    tx.emit(OfferPut{offer});
  }
}

void end_quote(Tx& tx, const Quote& quote, QuoteState state) {
  Quote over = quote;
  over.state = state;
  tx.emit(QuotePut{over});
  settle_offers(tx, over.nodes);
}

void post_hour(Tx& tx) {
  bool active = false;
  const Instant hour{tx.now.ms / 3'600'000 * 3'600'000};
  const std::vector<LeaseId> live(tx.d.leases.live().begin(), tx.d.leases.live().end());
  for (const LeaseId id : live) {
    active |= tx.d.leases.at(id).lease.state == LeaseState::active;
    for (const NodeId node : tx.d.leases.at(id).lease.nodes) {
      const Node n = tx.d.nodes.at(node);
      if (metered(n) && n.since < hour)
        set_meter(tx, node, n.meter, id, hour, tx.d.nodes.book(node).cause);
    }
    post(tx, id);
  }
  if (active) tx.soft.timers.set({TimerKind::hour, 0}, next_hour(tx.now));
}

}  // namespace weft::broker
