#include "broker/core/rentable.hpp"

#include <algorithm>
#include <optional>

#include "broker/core/machine.hpp"
#include "broker/core/schedule.hpp"

namespace weft::broker {
namespace {

void set_busy(const Machine& m, const Node& node, Rentable& r) {
  const Durable& d = m.durable;
  r.least = milliseconds(1);
  if (node.lease) {
    const Lease& lease = d.leases.at(node.lease).lease;
    const bool ending = lease.state == LeaseState::closing || lease.state == LeaseState::returning;
    if (ending)
      r.least = m.config.stop_grace;
    else
      r.busy_until = lease.ends_at;
    if (lease.state == LeaseState::preparing)
      r.busy_until = r.busy_until + m.config.prepare_time_max;
  } else if (const QuoteId quote = d.quotes.reserving(node.id)) {
    r.busy_until = market::Quotes::reserved_until(*d.quotes.find(quote));
  } else {
    r.least = m.config.stop_grace;  // its worker is expected back, or has something to clear
  }
}

std::optional<Rentable> look(const Machine& m, NodeId id, Instant now) {
  const Node& node = m.durable.nodes.at(id);
  const Offer* offer = m.durable.offers.open_for(id);
  if (node.state != NodeState::up || !offer) return {};
  Rentable r;
  r.candidate.node = id;
  r.candidate.owner = m.durable.nodes.owner_index(node);
  r.candidate.units = node.units;
  r.candidate.gpus = static_cast<std::uint32_t>(node.inventory.gpus.size());
  r.candidate.price = price_of(m, *offer);
  r.candidate.notice = offer->notice;
  r.candidate.until = offer->until;
  r.candidate.place = m.config.ground ? m.config.ground->place_of(node.name) : fabric::nowhere;
  const auto worker = m.soft.workers.find(id);
  const Instant shunned =
      worker == m.soft.workers.end() ? Instant{} : worker->second.quarantined_until;
  r.free = !node.lease && !m.durable.quotes.reserving(id) && clean(m, id) && shunned <= now;
  if (!r.free) set_busy(m, node, r);
  r.busy_until = std::max(r.busy_until, shunned);
  return r;
}

}  // namespace

bool clean(const Machine& m, NodeId node) {
  const auto it = m.soft.workers.find(node);
  return it != m.soft.workers.end() && it->second.session && it->second.strangers.empty() &&
         !m.durable.jobs.on_node(node);
}

void RentableNodes::refresh(const Machine& m, Instant now) {
  for (const NodeId id : stale_) {
    const auto it =
        std::lower_bound(nodes_.begin(), nodes_.end(), id,
                         [](const Rentable& r, NodeId n) { return r.candidate.node < n; });
    const bool known = it != nodes_.end() && it->candidate.node == id;
    if (known && it->free) --free_count_;
    const auto seen = look(m, id, now);
    if (seen && seen->free) ++free_count_;
    if (seen && known)
      *it = *seen;
    else if (seen)
      nodes_.insert(it, *seen);
    else if (known)
      nodes_.erase(it);
  }
  stale_.clear();
}

std::vector<fabric::Candidate> RentableNodes::free() const {
  std::vector<fabric::Candidate> out;
  out.reserve(free_count_);
  for (const Rentable& r : nodes_)
    if (r.free) out.push_back(r.candidate);
  return out;
}

std::vector<fabric::Candidate> RentableNodes::fleet(Instant now) const {
  std::vector<fabric::Candidate> out;
  out.reserve(nodes_.size());
  for (const Rentable& r : nodes_) {
    out.push_back(r.candidate);
    out.back().free_at = r.free ? now : std::max(r.busy_until, now + r.least);
  }
  return out;
}

}  // namespace weft::broker
