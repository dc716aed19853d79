#include <fmt/format.h>

#include <algorithm>

#include "broker/core/handlers.hpp"
#include "broker/core/renting.hpp"
#include "broker/core/size.hpp"
#include "broker/core/waiting.hpp"
#include "broker/market/bill.hpp"

namespace weft::broker {
namespace {

// The nodes that an offer names: all must be the caller's own.
Result<std::vector<NodeId>> own_nodes(const Tx& tx, const Caller& caller, const PutOffer& ask) {
  std::vector<NodeId> out;
  if (ask.nodes.empty()) {
    for (const auto& [name, id] : tx.d.nodes.by_name())
      if (caller.is_operator() || tx.d.nodes.at(id).owner == caller.entry.account)
        out.push_back(id);
    if (out.empty()) return fail(Code::node_unknown, "no node of this account has joined yet");
    return out;
  }
  for (const std::string& name : ask.nodes) {
    const Node* node = tx.d.nodes.find(name);
    if (!node || !caller.sees(node->owner))
      return fail(Code::node_unknown, fmt::format("node '{}' is not known", name));
    out.push_back(node->id);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return tx.d.nodes.in_name_order(std::move(out));
}

Result<void> sane(const Tx& tx, const PutOffer& ask, Instant from, Instant until) {
  if (ask.floor.micros < 0)
    return fail(Code::spec_range, "floor: below 0; a price per unit-hour, e.g. 1.10");
  if (ask.floor.micros > limits::money_max.micros)
    return fail(Code::money_range, fmt::format("floor: above {}", to_string(limits::money_max)));
  if (ask.notice.ms != 0 && (ask.notice < limits::notice_min || ask.notice > limits::notice_max))
    return fail(Code::spec_range, fmt::format("notice: {}; {} to {}, or 0 for firm leases only",
                                              to_string(ask.notice), to_string(limits::notice_min),
                                              to_string(limits::notice_max)));
  if (until <= from || until <= tx.now)
    return fail(Code::spec_range, fmt::format("until: {}; after from ({}) and after now",
                                              to_string(until), to_string(from)));
  return {};
}

}  // namespace

Answer handle(Tx& tx, const Caller& caller, const PutOffer& ask) {
  const auto nodes = own_nodes(tx, caller, ask);
  if (!nodes) return tl::make_unexpected(nodes.error());
  const Instant from = ask.from.ms == 0 ? tx.now : ask.from;
  const Instant until = ask.until.ms == 0 ? never : ask.until;
  if (auto ok = sane(tx, ask, from, until); !ok) return tl::make_unexpected(ok.error());
  const std::string& owner = tx.d.nodes.at(nodes->front()).owner;
  for (const NodeId node : *nodes)
    if (tx.d.nodes.at(node).owner != owner)
      return fail(Code::usage,
                  fmt::format("nodes of two owners ({} and {}) in one offer; put one for each",
                              owner, tx.d.nodes.at(node).owner));
  if (const Offer* other = tx.d.offers.overlapping(*nodes, from, until))
    return fail(
        Code::offer_overlap,
        fmt::format("offer {} covers one of these nodes from {} until {}; withdraw it first",
                    other->id.value, to_string(other->from), to_string(other->until)));
  Offer offer{
      {tx.d.next.offer}, owner, *nodes, ask.floor,
      ask.notice,        from,  until,  from > tx.now ? OfferState::scheduled : OfferState::open};
  tx.emit(OfferPut{offer});
  for (const NodeId node : *nodes) settle_node(tx, node);
  return ReplyBody{OfferList{{offer}}};
}

Answer handle(Tx& tx, const Caller& caller, const ListOffers&) {
  OfferList list;
  Room room(limits::reply_bytes_max);
  for (const auto& [id, offer] : tx.d.offers.all()) {
    const bool sees = caller.sees(offer.owner) ||
                      (caller.entry.role == Role::customer && market::lets(offer.state));
    if (!sees || offer.state == OfferState::closed) continue;
    if (!room.take(offer)) break;
    list.offers.push_back(offer);
  }
  return ReplyBody{std::move(list)};
}

Answer handle(Tx& tx, const Caller& caller, const WithdrawOffer& ask) {
  const Offer* found = tx.d.offers.find(ask.offer);
  if (!found || !caller.sees(found->owner))
    return fail(Code::offer_unknown, fmt::format("offer {} is not known", ask.offer.value));
  const auto next = next_state(market::offer_rows, found->state, market::OfferInput::withdraw);
  if (!next)
    return fail(Code::state_illegal,
                fmt::format("offer {} is {} already", ask.offer.value, to_string(found->state)));
  Offer offer = *found;
  offer.state = *next;
  tx.emit(OfferPut{offer});
  for (const NodeId node : offer.nodes) settle_node(tx, node);
  settle_offers(tx, offer.nodes);
  return ReplyBody{OfferList{{*tx.d.offers.find(ask.offer)}}};
}

Answer handle(Tx& tx, const Caller& caller, const ListLeases&) {
  LeaseList list;
  Room room(limits::reply_bytes_max);
  const auto& all = tx.d.leases.all();
  for (auto it = all.rbegin(); it != all.rend(); ++it) {  // the newest matter most
    const Lease& lease = it->second.lease;
    if (!caller.sees(lease.account) &&
        !(caller.entry.role == Role::seller && lease.owner == caller.entry.account))
      continue;
    if (!room.take(lease)) break;
    list.leases.push_back(lease);
  }
  std::reverse(list.leases.begin(), list.leases.end());
  return ReplyBody{std::move(list)};
}

Answer handle(Tx& tx, const Caller& caller, const ReleaseLease& ask) {
  const market::LeaseBook* book = tx.d.leases.find(ask.lease);
  if (!book || !caller.sees(book->lease.account))
    return fail(Code::lease_unknown, fmt::format("lease {} is not known", ask.lease.value));
  const Lease lease = book->lease;
  if (!next_state(market::lease_rows, lease.state, market::LeaseInput::stop))
    return fail(Code::state_illegal,
                fmt::format("lease {} is {} already", ask.lease.value, to_string(lease.state)));
  const Job* job = tx.d.jobs.find(lease.job);
  const JobId there = tx.d.jobs.job_on(ask.lease);
  if (there || (job && !ended(job->state))) {
    const JobId busy = there ? there : lease.job;
    return fail(Code::lease_busy, fmt::format("lease {} has job {} on it; cancel that first",
                                              ask.lease.value, busy.value));
  }
  close_lease(tx, ask.lease, Cause::done);
  return ReplyBody{LeaseList{{tx.d.leases.at(ask.lease).lease}}};
}

Answer handle(Tx& tx, const Caller& caller, const AskBill& ask) {
  return read_bill(tx, caller, ask);
}

Result<Bill> bill_for(const Tx& tx, const Caller& caller, const AskBill& ask) {
  std::vector<LeaseId> leases;
  Bill bill;
  bill.account = caller.entry.account;
  bill.at = tx.now;
  const bool seller = caller.entry.role == Role::seller;
  if (ask.job) {
    const auto job = job_of(tx, caller, ask.job);
    if (!job || seller)
      return fail(Code::job_unknown, fmt::format("job {} is not known", ask.job.value));
    bill.account = (*job)->account;
    leases = tx.d.leases.of_job(ask.job);
    if ((*job)->spec.use_lease) leases.push_back((*job)->spec.use_lease);
  } else if (ask.lease) {
    const market::LeaseBook* book = tx.d.leases.find(ask.lease);
    if (!book || !(caller.sees(book->lease.account) ||
                   (seller && book->lease.owner == caller.entry.account)))
      return fail(Code::lease_unknown, fmt::format("lease {} is not known", ask.lease.value));
    bill.account = book->lease.account;
    leases = {ask.lease};
  } else {
    const auto& all = seller ? tx.d.leases.of_owner(caller.entry.account)
                             : tx.d.leases.of_account(caller.entry.account);
    leases.assign(all.begin(), all.end());
  }
  Room room(limits::reply_bytes_max);
  for (const LeaseId id : leases) {
    const market::LeaseBook* book = tx.d.leases.find(id);
    if (!book) continue;
    LeaseBill one = market::bill_of(*book, tx.d.nodes, tx.now);
    if (const Job* job = seller ? nullptr : tx.d.jobs.find(book->lease.job))
      one.labels = job->spec.labels;
    bill.total = bill.total + (seller ? one.net - one.fee : one.net);
    if (bill.cut || !room.take(one)) {
      bill.cut = true;
      continue;  // the total is of all
    }
    bill.leases.push_back(std::move(one));
  }
  return bill;
}

}  // namespace weft::broker
