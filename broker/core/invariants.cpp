// The promises that hold between any two steps. See docs/ARCHITECTURE.md.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "broker/core/durable.hpp"

namespace weft::broker {
namespace {

bool has_meter(const Node& node) {
  return node.meter == MeterClass::billed || node.meter == MeterClass::credited;
}

// 1: no node in two live leases; what a node says agrees with what its lease says.
std::string exclusive(const Durable& d) {
  std::map<NodeId, LeaseId> holder;
  for (const LeaseId id : d.leases.live())
    for (const NodeId node : d.leases.at(id).lease.nodes) {
      if (!holder.emplace(node, id).second)
        return fmt::format("node {} is in leases {} and {}", node.value, holder[node].value,
                           id.value);
      if (d.nodes.at(node).lease != id)
        return fmt::format("lease {} holds node {}, which says otherwise", id.value, node.value);
      if (d.quotes.reserving(node))
        return fmt::format("node {} is leased and reserved by a quote", node.value);
    }
  for (const auto& [id, node] : d.nodes.all())
    if (node.lease && !holder.contains(id))
      return fmt::format("node {} is in lease {}, which is over", id.value, node.lease.value);
  return {};
}

// 1: no link in two slices, quotes' reservations included.
std::string links(const Durable& d) {
  std::map<std::pair<bool, std::uint32_t>, std::uint64_t> taken;  // L2 or leaf, its number: uplinks
  const auto take = [&](bool l2, std::uint32_t number, std::uint64_t up) {
    const bool free = (taken[{l2, number}] & up) == 0;
    taken[{l2, number}] |= up;
    return free;
  };
  const auto add = [&](const Slice& slice) {
    bool free = true;
    for (const SliceLeaf& leaf : slice.links.leaves) free &= take(false, leaf.leaf, leaf.up);
    for (const SliceL2& l2 : slice.links.l2) free &= take(true, l2.l2, l2.up);
    return free;
  };
  for (const LeaseId id : d.leases.live()) {
    const Slice& slice = d.leases.at(id).lease.slice;
    if (slice.state != SliceState::quarantined && slice.state != SliceState::returned &&
        !add(slice))
      return fmt::format("slice s{} has a link that another has too", id.value);
  }
  for (const QuoteId id : d.quotes.open())
    if (!add(d.quotes.find(id)->slice))
      return fmt::format("quote {} has a link that another has too", id.value);
  return {};
}

// 7: one open segment a node, in the class that its state demands; time adds up.
std::string meter(const Durable& d) {
  Instant newest = d.at;
  for (const auto& [id, node] : d.nodes.all()) {
    newest = std::max(newest, node.since);
    if (!has_meter(node)) continue;
    if (!node.lease)
      return fmt::format("node {} is {} without a lease", node.name, to_string(node.meter));
    const LeaseState state = d.leases.at(node.lease).lease.state;
    if (state != LeaseState::active && state != LeaseState::closing)
      return fmt::format("node {} is {} in a lease that is {}", node.name, to_string(node.meter),
                         to_string(state));
  }
  for (const auto& [id, node] : d.nodes.all())
    if (!node.lease && node.meter == MeterClass::idle &&
        (node.state != NodeState::up || !d.offers.open_for(id)))
      return fmt::format("node {} is idle, but not to let", node.name);
  return d.nodes.unbalanced(newest);
}

// A lease's spans touch without overlap, and what was posted is what they come to.
std::string bill(const market::LeaseBook& book, bool over) {
  std::map<NodeId, Instant> ends;
  market::Sums sums;
  for (const MeteredSpan& s : book.spans) {
    if (s.from >= s.to || (ends.contains(s.node) && ends[s.node] > s.from))
      return fmt::format("lease {}: segments of node {} overlap", book.lease.id.value,
                         s.node.value);
    if (ends.contains(s.node) && ends[s.node] != s.from)
      return fmt::format("lease {}: a gap in the time of node {}", book.lease.id.value,
                         s.node.value);
    ends[s.node] = s.to;
    sums.add(s.units, s.to - s.from, book.lease.price,
             s.meter == MeterClass::billed ? market::Payer::customer : market::payer_of(s.cause));
  }
  if (over && sums.totals(book.lease.fee_bps) != book.posted)
    return fmt::format("lease {}: posted amounts differ from its segments", book.lease.id.value);
  if (book.posted.gross > book.lease.escrow)
    return fmt::format("lease {}: costs more than was set aside", book.lease.id.value);
  return {};
}

std::string money(const Durable& d) {
  if (auto broken = d.ledger.broken(); !broken.empty()) return broken;
  std::map<std::string, Money> held;
  for (const auto& [id, book] : d.leases.all()) {
    // Returning: the money is settled, the fabric has not let go of its links.
    const bool over =
        book.lease.state == LeaseState::closed || book.lease.state == LeaseState::returning;
    if (auto broken = bill(book, over); !broken.empty()) return broken;
    if (!over)
      held[book.lease.account] = held[book.lease.account] + (book.lease.escrow - book.posted.gross);
  }
  for (const Account& account : d.ledger.accounts())
    if (account.escrow != held[account.name])
      return fmt::format("account {}: ${} in escrow, but its live leases hold ${}", account.name,
                         to_string(account.escrow), to_string(held[account.name]));
  return {};
}

// 4: a gang runs whole or not at all.
std::string gangs(const Durable& d) {
  for (const AttemptId id : d.jobs.live_attempts()) {
    const jobs::AttemptBook& book = d.jobs.at(id);
    const Attempt& a = book.attempt;
    const Job& job = d.jobs.at(a.job);
    if (a.nodes.size() != job.spec.nodes)
      return fmt::format("attempt {} has {} of {} nodes", id.value, a.nodes.size(), job.spec.nodes);
    if (a.state == AttemptState::running && !book.cleared.empty() &&
        book.ends.size() < book.ranks() &&
        std::any_of(a.nodes.begin(), a.nodes.end(), [&](NodeId n) {
          return book.cleared.contains(n) && !book.every_rank_ended_on(n);
        }))
      return fmt::format("attempt {} runs without one of its nodes", id.value);
    if (!market::live(d.leases.at(a.lease).lease.state))
      return fmt::format("attempt {} outlives its lease", id.value);
    if (job.attempt != id) return fmt::format("job {} has two live attempts", job.id.value);
  }
  for (const JobId id : d.jobs.live()) {
    const Job& job = d.jobs.at(id);
    const jobs::AttemptBook* book = d.jobs.find(job.attempt);
    const bool gang = book && book->attempt.state != AttemptState::ended;
    if (gang && (job.state == JobState::queued || job.state == JobState::held))
      return fmt::format("job {} is {} with a live attempt", id.value, to_string(job.state));
    if (!gang && (job.state == JobState::running || job.state == JobState::stopping))
      return fmt::format("job {} is {} without an attempt", id.value, to_string(job.state));
    if (job.state == JobState::running && book->attempt.state != AttemptState::running)
      return fmt::format("job {} runs, its attempt is {}", id.value,
                         to_string(book->attempt.state));
  }
  return {};
}

template <class Map>
bool below(const Map& map, std::uint64_t next) {
  return map.empty() || map.rbegin()->first.value < next;
}
std::string ids(const Durable& d) {
  if (!below(d.nodes.all(), d.next.node)) return "a node id is not below the next one";
  if (!below(d.offers.all(), d.next.offer)) return "an offer id is not below the next one";
  if (!below(d.quotes.all(), d.next.quote)) return "a quote id is not below the next one";
  if (!below(d.leases.all(), d.next.lease)) return "a lease id is not below the next one";
  if (!below(d.jobs.all(), d.next.job)) return "a job id is not below the next one";
  if (!below(d.jobs.attempts(), d.next.attempt)) return "an attempt id is not below the next one";
  return {};
}

}  // namespace

std::string broken_invariant(const Durable& d) {
  for (const auto check : {exclusive, links, meter, money, gangs, ids})
    if (auto broken = check(d); !broken.empty()) return broken;
  return {};
}

}  // namespace weft::broker
