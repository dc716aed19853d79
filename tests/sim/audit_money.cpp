// The audit's money and time: leases, meter segments, postings.
#include <algorithm>

#include "tests/sim/audit.hpp"
#include "tests/sim/world.hpp"

namespace weft::sim {

void Audit::fact(const LeaseGranted& granted) {
  const Lease& lease = granted.lease;
  if (lease.id.value <= lease_) broken("3: a lease id was used before");
  lease_ = std::max(lease_, lease.id.value);
  for (const NodeId id : lease.nodes) {
    const auto found = nodes_.find(id);
    if (found == nodes_.end()) return broken("1: a lease holds an unknown node");
    Node& node = found->second.node;
    if (node.lease)
      broken(
          fmt::format("1: {} is in leases {} and {}", node.name, node.lease.value, lease.id.value));
    node.lease = lease.id;
    const bool offered = std::any_of(offers_.begin(), offers_.end(), [&](const auto& entry) {
      const Offer& offer = entry.second;
      return offer.state != OfferState::closed && lease.price >= offer.floor &&
             std::find(offer.nodes.begin(), offer.nodes.end(), id) != offer.nodes.end();
    });
    if (!offered) broken(fmt::format("1: {} was let without an offer at that price", node.name));
  }
  leases_[lease.id].lease = lease;
}

void Audit::fact(const LeaseMoved& moved) {
  const auto found = leases_.find(moved.lease);
  if (found == leases_.end()) return broken("2: an unknown lease moved");
  Lease& lease = found->second.lease;
  if (moved.state < lease.state || lease.state == LeaseState::closed)
    broken(fmt::format("1: lease {} went back", lease.id.value));
  lease.state = moved.state;
  lease.cause = moved.cause;
  lease.ends_at = moved.ends_at;
  if (moved.cause == Cause::lease_end) world_.coverage.hit(Branch::lease_expired);
  if (moved.state != LeaseState::closed) return;
  for (const NodeId id : lease.nodes) nodes_[id].node.lease = {};
  for (const auto& [id, book] : attempts_)
    if (book.attempt.lease == lease.id && book.attempt.state != AttemptState::ended)
      broken("1: a lease was closed under a live attempt");
}

void Audit::fact(const NodeMetered& metered) {
  const auto found = nodes_.find(metered.node);
  if (found == nodes_.end()) return broken("7: an unknown node was metered");
  NodeBook& book = found->second;
  if (book.born == never)
    book.born = metered.at;
  else if (metered.at < book.node.since)
    broken("7: a meter segment ends before it begins");
  else {
    const Duration spent = metered.at - book.node.since;
    book.spent[static_cast<int>(book.node.meter)] += spent.ms;
    if (book.node.meter == MeterClass::billed || book.node.meter == MeterClass::credited) {
      const auto lease = leases_.find(book.payer);
      if (lease == leases_.end()) return broken("7: billed time belongs to no lease");
      const Int128 part = quantity(book.node.units, spent) * lease->second.lease.price.micros;
      lease->second.gross += part;
      if (book.node.meter == MeterClass::credited)  // an owner answers for its hardware
        (book.cause == Cause::node_lost || book.cause == Cause::link_lost
             ? lease->second.by_owner
             : lease->second.by_house) += part;
    }
  }
  const bool leased = metered.meter == MeterClass::billed || metered.meter == MeterClass::credited;
  if (leased) {
    const auto lease = leases_.find(metered.lease);
    if (lease == leases_.end() || lease->second.lease.state == LeaseState::closed)
      return broken("7: time is billed to a lease that is not live");
    const auto& nodes = lease->second.lease.nodes;
    if (std::find(nodes.begin(), nodes.end(), metered.node) == nodes.end())
      broken("7: time of a node is billed to a lease that does not hold it");
  }
  book.node.meter = metered.meter;
  book.node.since = metered.at;
  book.cause = metered.cause;
  book.payer = leased ? metered.lease : LeaseId{};
}

void Audit::fact(const Posted& posted) {
  if (posted.id.value <= posting_) broken("3: a posting id was used before");
  posting_ = std::max(posting_, posted.id.value);
  std::int64_t sum = 0;
  for (const Leg& leg : posted.legs) {
    sum += leg.amount.micros;
    const std::int64_t balance = balances_[leg.account] += leg.amount.micros;
    const bool customers = leg.account.starts_with("customer:");
    if (customers && balance < 0) broken("7: " + leg.account + " is below zero");
  }
  if (sum != 0) broken("7: a posting does not sum to zero");
  if (!posted.lease) return;
  const auto found = leases_.find(posted.lease);
  if (found == leases_.end()) return broken("7: a posting names an unknown lease");
  LeaseBook& book = found->second;
  for (const Leg& leg : posted.legs) {
    if (leg.account.ends_with(":escrow")) book.escrow += leg.amount.micros;
    if (posted.kind != PostingKind::meter) continue;
    if (leg.account.ends_with(":escrow")) book.metered -= leg.amount.micros;
    if (leg.account.ends_with(":cash")) book.credits += leg.amount.micros;
    if (leg.account == "house:fees") book.fees += leg.amount.micros;
  }
}

// A closed lease: what was posted is what its metered time costs, to the micro-dollar.
void Audit::settle(const LeaseBook& book) {
  const Lease& lease = book.lease;
  const std::int64_t gross = floor_div(book.gross, quantity_per_unit_hour);
  const std::int64_t owner = std::min(ceil_div(book.by_owner, quantity_per_unit_hour), gross);
  const std::int64_t house =
      std::min(ceil_div(book.by_house, quantity_per_unit_hour), gross - owner);
  if (book.escrow != 0)
    broken(fmt::format("7: lease {} keeps escrow after its end", lease.id.value));
  if (book.metered != gross)
    broken(fmt::format("7: lease {} was billed {}, its time costs {}", lease.id.value, book.metered,
                       gross));
  if (book.credits != owner + house)
    broken(fmt::format("7: lease {} was credited {}, due is {}", lease.id.value, book.credits,
                       owner + house));
  const std::int64_t fee = floor_div(static_cast<Int128>(gross - owner) * lease.fee_bps, 10'000);
  if (book.fees != fee)
    broken(fmt::format("7: lease {} paid a fee of {}, due is {}", lease.id.value, book.fees, fee));
  if (gross > lease.escrow.micros) broken("7: a lease cost more than its escrow");
}

void Audit::compare(const Snapshot& snapshot) {
  for (const Node& node : snapshot.nodes) {
    const auto found = nodes_.find(node.id);
    if (found == nodes_.end()) return broken("2: the core has a node that no record made");
    const Node& own = found->second.node;
    if (own.meter != node.meter || own.since != node.since || own.lease != node.lease ||
        own.state != node.state || own.incarnation != node.incarnation)
      broken(fmt::format("2: the core and the records differ about {}", node.name));
    const auto& spent = found->second.spent;
    const std::int64_t known = spent[0] + spent[1] + spent[2] + spent[3];
    if (found->second.born != never && known != (own.since - found->second.born).ms)
      broken("7: billed + idle + owner + credited is not the capacity of " + own.name);
  }
  for (const Balance& balance : snapshot.balances)
    if (balances_[balance.account] != balance.amount.micros)
      broken("7: the core and the postings differ about " + balance.account);
  for (const Job& job : snapshot.jobs)
    if (!jobs_.contains(job.id) || jobs_[job.id].state != job.state)
      broken(fmt::format("2: the core and the records differ about job {}", job.id.value));
  for (const Lease& lease : snapshot.leases)
    if (!leases_.contains(lease.id) || leases_[lease.id].lease.state != lease.state)
      broken(fmt::format("2: the core and the records differ about lease {}", lease.id.value));
}

std::string Audit::unrest() const {
  for (const auto& [id, job] : jobs_)
    if (!ended(job.state)) return fmt::format("job {} is {}", id.value, to_string(job.state));
  for (const auto& [id, book] : attempts_)
    if (book.attempt.state != AttemptState::ended)
      return fmt::format("attempt {} is {}", id.value, to_string(book.attempt.state));
  for (const auto& [id, book] : leases_)
    if (book.lease.state != LeaseState::closed)
      return fmt::format("lease {} is {}", id.value, to_string(book.lease.state));
  for (const auto& [id, quote] : quotes_)
    if (quote.state == QuoteState::open) return fmt::format("quote {} is open", id.value);
  return {};
}

void Audit::at_rest() {
  std::int64_t sum = 0;
  for (const auto& [account, amount] : balances_) {
    sum += amount;
    if (account.ends_with(":escrow") && amount != 0)
      broken("7: " + account + " is not empty at rest");
  }
  if (sum != 0) broken("7: all accounts together are not zero");
  for (const auto& [id, book] : leases_) settle(book);
  for (const auto& [id, book] : nodes_)
    if (book.node.meter == MeterClass::billed || book.node.meter == MeterClass::credited)
      broken("7: " + book.node.name + " is still billed at rest");
}

}  // namespace weft::sim
