// Meter and ledger, recomputed.
#include <algorithm>

#include "client/verify/life_cycles.hpp"
#include "client/verify/state.hpp"

namespace weft::client {
namespace {

bool leased(MeterClass meter) {
  return meter == MeterClass::billed || meter == MeterClass::credited;
}

bool holds(const Lease& lease, NodeId node) {
  return std::find(lease.nodes.begin(), lease.nodes.end(), node) != lease.nodes.end();
}

std::string text(const Totals& t) {
  return fmt::format("gross {}, credits {} + {}, fee {}", to_string(t.gross),
                     to_string(t.credit_owner), to_string(t.credit_house), to_string(t.fee));
}

}  // namespace

VerifiedLease* Verifier::State::lease_of(LeaseId id, const char* what) {
  const auto found = report.leases.find(id);
  if (found != report.leases.end()) return &found->second;
  problem(fmt::format("{} of lease {}, which was never granted", what, id.value));
  return nullptr;
}

void Verifier::State::on(const NodePut& f) {
  NodeTime& node = nodes[f.node.id];
  node.name = f.node.name;
  if (!node.open) {  // it joins: its time begins
    node.open = true;
    node.units = f.node.units;
    node.meter = f.node.meter;
    node.since = node.first = node.capacity_until = f.node.since;
  } else if (node.units != f.node.units) {
    if (node.held_by)
      problem(fmt::format("node {} changes its units while it is leased", node.name));
    node.capacity += Int128{node.units} * (node.since - node.capacity_until).ms;
    node.capacity_until = node.since;
    node.units = f.node.units;
  }
}

// Accounts for the open segment, which ends at `end`.
void Verifier::State::close_segment(NodeTime& node, NodeId id, Instant end) {
  if (end < node.since)
    return problem(fmt::format("a segment of node {} ends at {}, before it began at {}", id.value,
                               to_string(end), to_string(node.since)));
  const Int128 amount = Int128{node.units} * (end - node.since).ms;
  node.by_class[static_cast<std::size_t>(node.meter)] += amount;
  if (!leased(node.meter) || end == node.since) return;
  VerifiedLease* lease = lease_of(node.lease, "time");
  if (lease == nullptr) return;
  ++report.spans;
  lease->spans.push_back({id, node.meter, node.cause, node.since, end, node.units});
  const Int128 product = amount * 1'000 * lease->lease.price.micros;
  RunningSums& sum = sums[node.lease];
  sum.all += product;
  if (node.meter == MeterClass::credited)
    (owner_pays(node.cause) ? sum.owner : sum.house) += product;
  unsettled.insert(node.lease);
}

void Verifier::State::on(const NodeMetered& f) {
  NodeTime& node = nodes[f.node];
  if (!node.open) {
    if (scope == Scope::whole)
      problem(fmt::format("node {} is metered, but never joined", f.node.value));
    node.open = true;
    node.since = node.first = node.capacity_until = f.at;
    node.meter = MeterClass::idle;
  }
  close_segment(node, f.node, f.at);
  node.since = std::max(node.since, f.at);
  node.meter = f.meter;
  node.cause = f.cause;
  node.lease = leased(f.meter) ? f.lease : LeaseId{};
  if (!leased(f.meter)) return;
  const VerifiedLease* lease = lease_of(f.lease, "time");
  if (lease == nullptr) return;
  if (!holds(lease->lease, f.node))
    problem(fmt::format("node {} is {} to lease {}, which does not hold it", f.node.value,
                        to_string(f.meter), f.lease.value));
  if (lease->lease.state != LeaseState::active && lease->lease.state != LeaseState::closing)
    problem(fmt::format("node {} is {} to lease {}, which is {}", f.node.value, to_string(f.meter),
                        f.lease.value, to_string(lease->lease.state)));
}

void Verifier::State::on(const LeaseGranted& f) {
  check_new_id("lease", last_lease, f.lease.id.value);
  const Lease& lease = f.lease;
  if (lease.escrow != cost_ceil(lease.price, lease.units, lease.term))
    problem(fmt::format("lease {} sets {} aside; price x units x term is {}", lease.id.value,
                        to_string(lease.escrow),
                        to_string(cost_ceil(lease.price, lease.units, lease.term))));
  std::uint64_t units = 0;
  bool known = true;
  for (const NodeId id : lease.nodes) {
    NodeTime& node = nodes[id];
    if (node.held_by)
      problem(fmt::format("node {} is in lease {} and in lease {}", id.value, node.held_by.value,
                          lease.id.value));
    node.held_by = lease.id;
    units += node.units;
    known = known && node.units != 0;
  }
  if (known && units != lease.units)
    problem(fmt::format("lease {} counts {} units; its nodes have {}", lease.id.value, lease.units,
                        units));
  report.leases[lease.id].lease = lease;
}

void Verifier::State::on(const LeaseMoved& f) {
  VerifiedLease* found = lease_of(f.lease, "a move");
  if (found == nullptr) return;
  Lease& lease = found->lease;
  if (!may_follow(lease.state, f.state))
    problem(fmt::format("lease {} goes from {} to {}", lease.id.value, to_string(lease.state),
                        to_string(f.state)));
  lease.state = f.state;
  lease.cause = f.cause;
  lease.ends_at = f.ends_at;
  if (f.state == LeaseState::active) lease.active_at = f.at;
  if (f.state == LeaseState::closed) {
    lease.closed_at = f.at;
    for (const NodeId id : lease.nodes) {
      NodeTime& node = nodes[id];
      if (leased(node.meter) && node.lease == lease.id)
        problem(fmt::format("lease {} closes while node {} is {}", lease.id.value, id.value,
                            to_string(node.meter)));
      if (node.held_by == lease.id) node.held_by = {};
    }
    if (found->escrow_left.micros != 0)
      problem(fmt::format("lease {} closes with {} of its escrow not returned", lease.id.value,
                          to_string(found->escrow_left)));
  }
}

void Verifier::State::on(const Posted& f) {
  check_new_id("posting", last_posting, f.id.value);
  ++report.postings;
  Int128 sum = 0;
  for (const Leg& leg : f.legs) {
    sum += leg.amount.micros;
    if (scope == Scope::whole)
      report.balances[leg.account] = report.balances[leg.account] + leg.amount;
  }
  if (sum != 0)
    problem(fmt::format("posting {} sums to {} micro-dollars", f.id.value,
                        static_cast<std::int64_t>(sum)));
  if (!f.lease) return;
  VerifiedLease* lease = lease_of(f.lease, "a posting");
  if (lease == nullptr) return;
  ++lease->postings;
  for (const Leg& leg : f.legs)
    if (leg.account == "customer:" + lease->lease.account + ":escrow")
      lease->escrow_left = lease->escrow_left + leg.amount;
  if (f.kind == PostingKind::escrow && lease->escrow_left != lease->lease.escrow)
    problem(fmt::format("posting {} sets {} aside for lease {}; its escrow is {}", f.id.value,
                        to_string(lease->escrow_left), f.lease.value,
                        to_string(lease->lease.escrow)));
  if (f.kind == PostingKind::meter) post_meter(*lease, f);
}

// Its legs must be the difference to the totals posted before, to the accounts of this lease's
// parties.
void Verifier::State::post_meter(VerifiedLease& lease, const Posted& f) {
  const Lease& l = lease.lease;
  Money gross, cash, earned, fee, house;
  for (const Leg& leg : f.legs) {
    if (leg.account == "customer:" + l.account + ":escrow")
      gross = gross - leg.amount;
    else if (leg.account == "customer:" + l.account + ":cash")
      cash = cash + leg.amount;
    else if (leg.account == "owner:" + l.owner + ":earned")
      earned = earned + leg.amount;
    else if (leg.account == "house:fees")
      fee = fee + leg.amount;
    else if (leg.account == "house:credits")
      house = house - leg.amount;
    else
      problem(fmt::format("posting {} of lease {} moves money of {}", f.id.value, l.id.value,
                          leg.account));
  }
  const Money owner = cash - house;
  if (earned != gross - owner - fee)
    problem(fmt::format("posting {}: the owner earns {}; gross - credit - fee is {}", f.id.value,
                        to_string(earned), to_string(gross - owner - fee)));
  lease.posted_gross = lease.posted_gross + gross;
  lease.posted_owner = lease.posted_owner + owner;
  lease.posted_house = lease.posted_house + house;
  lease.posted_fee = lease.posted_fee + fee;
  unsettled.insert(l.id);
}

void Verifier::State::check_totals(const VerifiedLease& lease) {
  const Totals right = round_totals(sums[lease.lease.id], lease.lease.fee_bps);
  const Totals posted{lease.posted_gross, lease.posted_owner, lease.posted_house, lease.posted_fee};
  VerifiedLease& out = report.leases[lease.lease.id];
  out.gross = right.gross;
  out.credit_owner = right.credit_owner;
  out.credit_house = right.credit_house;
  out.fee = right.fee;
  if (right != posted)
    problem(fmt::format("lease {}: posted {}; its time comes to {}", lease.lease.id.value,
                        text(posted), text(right)));
  if (right.gross > lease.lease.escrow)
    problem(fmt::format("lease {}: {} is more than the {} set aside", lease.lease.id.value,
                        to_string(right.gross), to_string(lease.lease.escrow)));
}

const Report& Verifier::finish() {
  State& s = *state_;
  s.at_seq = {};
  for (auto& [id, node] : s.nodes) {
    if (s.scope == Scope::lease || !node.open) continue;
    ++s.report.nodes;
    node.capacity += Int128{node.units} * (node.since - node.capacity_until).ms;
    const auto of = [&node](MeterClass c) { return node.by_class[static_cast<std::size_t>(c)]; };
    const Int128 all = of(MeterClass::billed) + of(MeterClass::idle) + of(MeterClass::owner) +
                       of(MeterClass::credited);
    if (all != node.capacity)
      s.problem(fmt::format("node {}: billed + idle + owner + credited is {} unit-ms, capacity {}",
                            node.name, static_cast<std::int64_t>(all),
                            static_cast<std::int64_t>(node.capacity)));
    s.report.billed += of(MeterClass::billed);
    s.report.idle += of(MeterClass::idle);
    s.report.owner += of(MeterClass::owner);
    s.report.credited += of(MeterClass::credited);
    s.report.capacity += node.capacity;
  }
  Int128 world = 0;
  for (const auto& [account, balance] : s.report.balances) world += balance.micros;
  if (world != 0)
    s.problem(fmt::format("all accounts together hold {} micro-dollars",
                          static_cast<std::int64_t>(world)));
  return s.report;
}

}  // namespace weft::client
