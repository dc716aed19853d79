#include "broker/core/slices.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "broker/core/gang.hpp"
#include "broker/core/probing.hpp"
#include "broker/core/renting.hpp"

namespace weft::broker {
namespace {

using fabric::Cut;

constexpr std::uint32_t first_key = 0x0100, last_key = 0x7ffe;  // 0x7fff is the default partition

bool holds_links(const Slice& slice) {
  return slice.state != SliceState::none && slice.state != SliceState::returned &&
         slice.state != SliceState::quarantined;
}

// The lowest key that no slice has that the fabric may still hold.
std::uint32_t free_key(const Durable& d) {
  std::set<std::uint32_t> used;
  for (const LeaseId id : d.leases.live()) {
    const Slice& slice = d.leases.at(id).lease.slice;
    if (slice.state != SliceState::returned) used.insert(slice.key);
  }
  for (const QuoteId id : d.quotes.open()) used.insert(d.quotes.find(id)->slice.key);
  std::uint32_t key = first_key;
  while (used.contains(key) && key < last_key) ++key;
  return key;
}

void shield(fabric::Masks& masks, const Links& links) {
  Slice slice;
  slice.links = links;
  masks.shield(cut_of(slice));
}

Instant held_until(const Machine& m, const Lease& lease, Instant now) {
  const bool ending = lease.state == LeaseState::closing || lease.state == LeaseState::returning;
  if (ending) return now + m.config.stop_grace;
  const bool early = lease.state == LeaseState::granted || lease.state == LeaseState::preparing;
  return std::max(now + milliseconds(1),
                  early ? lease.ends_at + m.config.prepare_time_max : lease.ends_at);
}

}  // namespace

Cut cut_of(const Slice& slice) {
  Cut cut;
  cut.shape = static_cast<fabric::Shape>(slice.shape);
  for (const SliceLeaf& leaf : slice.links.leaves)
    cut.leaves.push_back({leaf.leaf, leaf.hosts, leaf.up});
  for (const SliceL2& l2 : slice.links.l2) cut.l2.push_back({l2.l2, l2.up});
  cut.asked = cut.hosts();
  return cut;
}

Links links_of(const Cut& cut) {
  Links links;
  for (const Cut::Leaf& leaf : cut.leaves) links.leaves.push_back({leaf.leaf, leaf.hosts, leaf.up});
  for (const Cut::L2& l2 : cut.l2) links.l2.push_back({l2.l2, l2.up});
  return links;
}

namespace {

fabric::Site site_without(const Machine& m, LeaseId but, Instant now) {
  fabric::Site site;
  site.rentable = m.config.ground->rentable;
  shield(*site.rentable, m.durable.fabric.failed);
  shield(*site.rentable, m.durable.fabric.quarantined);
  for (const LeaseId id : m.durable.leases.live()) {
    const Lease& lease = m.durable.leases.at(id).lease;
    if (id != but && holds_links(lease.slice))
      site.held.push_back({cut_of(lease.slice), held_until(m, lease, now)});
  }
  for (const QuoteId id : m.durable.quotes.open()) {
    const Quote& quote = *m.durable.quotes.find(id);
    if (!quote.slice.links.leaves.empty())
      site.held.push_back({cut_of(quote.slice), market::Quotes::reserved_until(quote)});
  }
  return site;
}

}  // namespace

fabric::Site site_of(const Machine& m, Instant now) {
  return m.config.ground ? site_without(m, {}, now) : fabric::Site{};
}

fabric::Masks free_but_for(const Machine& m, LeaseId lease, Instant now) {
  fabric::Site site = site_without(m, lease, now);
  for (const fabric::Held& held : site.held) site.rentable->shield(held.cut);
  return *std::move(site.rentable);
}

std::vector<NodeId> rank_order(const Tx& tx, const fabric::Placement& p) {
  if (p.cut.leaves.empty()) return tx.d.nodes.in_name_order(p.nodes);
  std::vector<NodeId> nodes = p.nodes;
  const auto place = [&](NodeId node) {
    return tx.machine.config.ground->place_of(tx.d.nodes.at(node).name);
  };
  std::sort(nodes.begin(), nodes.end(), [&](NodeId a, NodeId b) { return place(a) < place(b); });
  return nodes;
}

Slice slice_for(const Tx& tx, const Cut& cut) {
  Slice slice;
  if (cut.leaves.empty()) return slice;
  const Ground& ground = *tx.machine.config.ground;
  slice.links = links_of(cut);
  slice.shape = static_cast<std::uint16_t>(cut.shape);
  slice.at = tx.now;
  // Without links of its own nobody keeps others off it.
  slice.enforced = ground.enforced && cut.shape != fabric::Shape::any;
  slice.state = slice.enforced ? SliceState::programming : SliceState::ready;
  slice.text = slice.enforced    ? "asked of the fabric"
               : ground.enforced ? "no links of its own: as asked for"
                                 : "recorded only: nobody programs this fabric";
  if (slice.enforced && ground.has_keys()) slice.key = free_key(tx.d);
  return slice;
}

bool delivered(const Tx& tx, LeaseId lease) {
  const Slice& slice = tx.d.leases.at(lease).lease.slice;
  const SliceState state = slice.state;
  // What was verified may have been undone since, or has differed when it was looked at again.
  const Driving& driving = tx.soft.driving;
  if (slice.enforced && (driving.unknown || driving.tries.contains(lease))) return false;
  return state == SliceState::none || state == SliceState::ready;
}

void add_environment(const Tx& tx, const Lease& lease, JobSpec& spec) {
  if (lease.slice.state == SliceState::none) return;
  const auto add = [&](const char* name, std::string value) {
    const auto same = [&](const KeyValue& e) { return e.name == name; };
    if (std::none_of(spec.env.begin(), spec.env.end(), same))
      spec.env.push_back({name, std::move(value)});
  };
  const Ground& ground = *tx.machine.config.ground;
  add("WEFT_SLICE", fmt::format("s{}", lease.id.value));
  add("WEFT_SLICE_ISOLATION", lease.slice.enforced ? "enforced" : "recorded");
  if (lease.slice.key != 0) {  // by value: the index of a key moves
    add("WEFT_PKEY", fmt::format("{:#06x}", 0x8000 | lease.slice.key));
    add("UCX_IB_PKEY", fmt::format("{:#06x}", lease.slice.key));  // UCX takes 15 bits
  }
  for (const auto& [name, value] : ground.environment) add(name.c_str(), value);
}

bool take_back(Tx& tx, LeaseId id) {
  Slice slice = tx.d.leases.at(id).lease.slice;
  if (slice.state == SliceState::none || slice.state == SliceState::quarantined) {
    tx.soft.driving.dirty = true;
    return true;
  }
  slice.at = tx.now;
  slice.text.clear();
  slice.state = slice.enforced ? SliceState::returning : SliceState::returned;
  tx.soft.driving.dirty = true;
  const bool at_once = !slice.enforced;
  const bool used = !at_once && tx.d.leases.at(id).lease.slice.state == SliceState::ready;
  tx.emit(SlicePut{id, std::move(slice)});
  if (used) probe_after_use(tx, id);
  return at_once;
}

void slice_lost(Tx& tx, LeaseId id, Cause cause, Code code, const std::string& detail) {
  const Lease lease = tx.d.leases.at(id).lease;
  if (lease.state == LeaseState::closing || lease.state == LeaseState::returning) return;
  const AttemptId attempt = tx.d.jobs.using_lease(id);
  if (attempt && tx.d.jobs.at(attempt).attempt.state != AttemptState::stopping) {
    Blame blame;
    blame.code = code;
    blame.detail = detail;
    if (lease.state == LeaseState::active) credit(tx, id, cause, lease.slice.at);
    const bool before_go = tx.d.jobs.at(attempt).attempt.state == AttemptState::preparing;
    stop_attempt(tx, attempt, before_go ? Outcome::aborted : Outcome::lost, cause, blame);
  }
  close_lease(tx, id, cause);
}

void arm_slice(Tx& tx, LeaseId id) {
  const market::LeaseBook* book = tx.d.leases.find(id);
  if (!book) return;
  const SliceState state = book->lease.slice.state;
  const bool measured =
      probed_at_return(tx, id) ? state == SliceState::returning : state == SliceState::programming;
  // On other links its figures say nothing.
  if (!measured || !probe_is_of(tx, id, book->lease.slice.links)) end_probe(tx, id);
  if (book->lease.slice.enforced && state != SliceState::ready) tx.soft.driving.dirty = true;
  const bool waits = market::live(book->lease.state) && state == SliceState::programming;
  tx.soft.timers.set({TimerKind::slice, id.value},
                     waits ? tx.now + tx.machine.config.prepare_time_max : never);
}

void slice_due(Tx& tx, LeaseId id) {
  const market::LeaseBook* book = tx.d.leases.find(id);
  if (!book || book->lease.slice.state != SliceState::programming) return;
  std::string trouble;
  if (const auto probe = tx.soft.driving.probes.find(id); probe != tx.soft.driving.probes.end())
    trouble =
        ": " + (probe->second.trouble.empty() ? "it is still going on" : probe->second.trouble);
  slice_lost(tx, id, Cause::not_delivered, Code::slice_late,
             fmt::format("slice s{} was not {} within {}", id.value,
                         trouble.empty() ? "verified" : "measured",
                         to_string(tx.machine.config.prepare_time_max)) +
                 trouble);
}

}  // namespace weft::broker
