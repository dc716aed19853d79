#include "broker/core/probing.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/bit_rate.hpp"
#include "broker/core/certify.hpp"
#include "broker/core/driving.hpp"
#include "broker/core/link_sets.hpp"
#include "broker/core/slices.hpp"
#include "broker/fabric/probe/plan.hpp"

namespace weft::broker {
namespace {

constexpr Duration budget = seconds(3);  // of sending, over all turns; specs/005-slices.md
constexpr Duration each_min = milliseconds(10), each_max = milliseconds(60);
constexpr Duration patience = seconds(10), again_after = seconds(1);
constexpr Duration turn_patience = milliseconds(400);  // of a turn whose peer is silent, at least
constexpr Duration last_words = milliseconds(100);
constexpr std::size_t alone_max = 64;  // ways measured again
constexpr int alone_tries = 3;
constexpr std::uint32_t nobody = UINT32_MAX;

Probe* probe_of(Tx& tx, LeaseId id) {
  const auto it = tx.soft.driving.probes.find(id);
  return it == tx.soft.driving.probes.end() ? nullptr : &it->second;
}

const Lease& lease_of(const Tx& tx, LeaseId id) { return tx.d.leases.at(id).lease; }

Duration each_of(std::size_t turns) {
  const Duration share{budget.ms / static_cast<std::int64_t>(std::max<std::size_t>(turns, 1))};
  return std::clamp(share, each_min, each_max);
}

void dismiss(Tx& tx, LeaseId id, const Probe& probe) {
  if (probe.ticket == 0) return;
  for (const NodeId node : lease_of(tx, id).nodes) tx.order(node, ProbeEnd{probe.ticket});
}

// The links are revoked a moment later: what the probes' connections still say at their end would
// be taken for attempts to reach somebody else's.
void let_go(Tx& tx, LeaseId id) {
  Probe& probe = tx.soft.driving.probes[id];
  probe.at_return = true;
  probe.ticket = 0;
  probe.links = lease_of(tx, id).slice.links;
  tx.soft.timers.set({TimerKind::probe, id.value}, tx.now + last_words);
}

// At a return nobody waits for the figures; before use the slice is not delivered without them.
void not_measured(Tx& tx, LeaseId id, std::string why) {
  Probe& probe = *probe_of(tx, id);
  dismiss(tx, id, probe);
  tx.note(Note::Level::warn, fmt::format("slice s{} is not measured: {}", id.value, why));
  if (!probe.at_return) {
    probe.ticket = 0;
    probe.trouble = std::move(why);
    return tx.soft.timers.set({TimerKind::probe, id.value}, tx.now + again_after);
  }
  Certificate certificate;
  certificate.lease = id;
  certificate.at_return = true;
  certificate.at = tx.now;
  certificate.took = tx.now - probe.started;
  certificate.text = "not measured: " + why;
  tx.emit(Certified{std::move(certificate)});
  let_go(tx, id);
}

void open(Tx& tx, LeaseId id) {
  Probe& probe = *probe_of(tx, id);
  const Lease& lease = lease_of(tx, id);
  Driving& driving = tx.soft.driving;
  // Not that of a probe before a restart, which a worker may still have.
  probe.ticket = tx.d.epoch.value << 32 | driving.next_probe++;
  probe.run = 0;
  probe.started = tx.now;
  probe.measures.clear();
  probe.was_alone.clear();
  probe.alone.clear();
  probe.awaited.clear();
  const auto nodes = static_cast<std::uint32_t>(lease.nodes.size());
  probe.address.assign(nodes, {});
  for (std::uint32_t place = 0; place < nodes; ++place) probe.awaited.insert(place);
  for (const NodeId node : lease.nodes)
    if (!tx.soft.workers[node].session)
      return not_measured(tx, id, tx.d.nodes.at(node).name + " is not connected");
  JobSpec told;
  add_environment(tx, lease, told);
  tx.soft.timers.set({TimerKind::probe, id.value}, tx.now + patience);
  for (const NodeId node : lease.nodes) tx.order(node, ProbeOpen{probe.ticket, nodes, told.env});
}

void start(Tx& tx, LeaseId id, bool at_return, const std::string& verified) {
  Probe& probe = tx.soft.driving.probes[id];
  probe = {};
  probe.at_return = at_return;
  probe.links = lease_of(tx, id).slice.links;
  probe.verified = verified;
  open(tx, id);
}

// All nodes at once, a distance a turn.
void run_all(Tx& tx, LeaseId id) {
  Probe& probe = *probe_of(tx, id);
  const Lease& lease = lease_of(tx, id);
  const auto nodes = static_cast<std::uint32_t>(lease.nodes.size());
  const auto distances = fabric::probe_distances(nodes, limits::probe_turns_max);
  const Duration each = each_of(distances.size());
  probe.run = 1;
  const auto turns = static_cast<std::int64_t>(distances.size());
  tx.soft.timers.set({TimerKind::probe, id.value},
                     tx.now + patience + Duration{2 * turns * (4 * each.ms + turn_patience.ms)});
  for (std::uint32_t place = 0; place < nodes; ++place) {
    probe.awaited.insert(place);
    ProbeRun order;
    order.ticket = probe.ticket;
    order.run = probe.run;
    order.index = place;
    order.each = each;
    std::set<std::uint32_t> peers;
    for (const std::uint32_t distance : distances) {
      order.to.push_back(fabric::sends_to(place, distance, nodes));
      order.from.push_back(fabric::hears_from(place, distance, nodes));
      peers.insert({order.to.back(), order.from.back()});
    }
    for (const std::uint32_t peer : peers) order.peers.push_back({peer, probe.address[peer]});
    tx.order(lease.nodes[place], std::move(order));
  }
}

// The next of the ways that were slow, by itself.
void run_one(Tx& tx, LeaseId id) {
  Probe& probe = *probe_of(tx, id);
  const auto [from, to] = probe.alone.front();
  ProbeRun order;
  order.ticket = probe.ticket;
  order.run = ++probe.run;
  order.index = from;
  order.each = each_max;
  order.to = {to};
  order.from = {nobody};
  probe.awaited = {from};
  tx.soft.timers.set({TimerKind::probe, id.value}, tx.now + patience);
  tx.order(lease_of(tx, id).nodes[from], std::move(order));
}

// What is too slow is not rented again before somebody has looked at it.
void set_aside(Tx& tx, const Links& links, const std::string& text) {
  FabricState state = tx.d.fabric;
  merge(state.quarantined, links);
  tx.emit(FabricPut{std::move(state), "quarantined: " + text.substr(0, 400)});
}

void finish(Tx& tx, LeaseId id, Finding finding) {
  const Driving& driving = tx.soft.driving;
  // What was verified may have been undone since: it is verified anew first, and then measured.
  if (!probe_of(tx, id)->at_return && (driving.unknown || driving.tries.contains(id)))
    return end_probe(tx, id);
  const Probe probe = std::move(*probe_of(tx, id));
  dismiss(tx, id, probe);
  tx.soft.driving.probes.erase(id);
  tx.soft.timers.cancel({TimerKind::probe, id.value});
  Certificate& c = finding.certificate;
  Links suspects;
  if (!c.passed) {
    const Lease& lease = lease_of(tx, id);
    const auto name = [&](std::uint32_t place) { return tx.d.nodes.at(lease.nodes[place]).name; };
    const auto& [from, to] = finding.slow.front();
    suspects = suspected(tx.machine, lease, probe, finding);
    c.text = fmt::format(
        "{} to {} carries {} where {} is needed, {} ways of {} are too slow; "
        "suspected: {}",
        name(from), name(to), bit_rate_rounded(c.bandwidth_bps.least),
        bit_rate_rounded(c.bandwidth_needed_bps), finding.slow.size(), c.pairs,
        names_of(*tx.machine.config.ground, suspects));
    if (c.text.size() > limits::text_bytes_max) c.text.resize(limits::text_bytes_max);
  }
  const std::string text = c.text;
  const bool passed = c.passed;
  tx.emit(Certified{std::move(c)});
  if (!passed) set_aside(tx, suspects, text);
  if (probe.at_return) return let_go(tx, id);
  if (passed) return hand_over(tx, id, probe.verified + "; measured: " + text);
  slice_lost(tx, id, Cause::not_delivered, Code::slice_slow, text);
}

// One way measured again counts with its best try. A way that is slow only among the others has met
// the slice's own traffic, which is no fault of the fabric.
void judge(Tx& tx, LeaseId id) {
  Probe& probe = *probe_of(tx, id);
  Finding finding = certify(tx.machine, lease_of(tx, id), probe, tx.now);
  if (probe.run == 1 && !finding.slow.empty()) {
    finding.slow.resize(std::min(finding.slow.size(), alone_max));
    probe.needed_bps = finding.certificate.bandwidth_needed_bps;
    probe.was_alone = {finding.slow.begin(), finding.slow.end()};
    for (int t = 0; t < alone_tries; ++t)
      probe.alone.insert(probe.alone.end(), finding.slow.begin(), finding.slow.end());
    return run_one(tx, id);
  }
  if (probe.run > 1) {
    const std::pair<std::uint32_t, std::uint32_t> last = probe.alone.front();
    probe.alone.pop_front();
    const auto& slow = finding.slow;
    if (std::find(slow.begin(), slow.end(), last) == slow.end()) std::erase(probe.alone, last);
    if (!probe.alone.empty()) return run_one(tx, id);
  }
  finish(tx, id, std::move(finding));
}

struct Spoken {  // whose probe, and the place of the node in it
  LeaseId lease;
  std::uint32_t place = 0;
};
std::optional<Spoken> who(Tx& tx, NodeId node, std::uint64_t ticket) {
  for (const auto& [id, probe] : tx.soft.driving.probes) {
    if (probe.ticket != ticket || ticket == 0) continue;
    const auto& nodes = lease_of(tx, id).nodes;
    const auto it = std::find(nodes.begin(), nodes.end(), node);
    const auto place = static_cast<std::uint32_t>(it - nodes.begin());
    if (it == nodes.end() || !probe.awaited.contains(place)) return {};
    return Spoken{id, place};
  }
  return {};
}

}  // namespace

void probe_before_use(Tx& tx, LeaseId id, const std::string& verified) {
  const Lease& lease = lease_of(tx, id);
  const GroundProbe& wanted = tx.machine.config.ground->probe;
  if (!wanted.wanted || lease.nodes.size() < 2) return hand_over(tx, id, verified);
  if (const Probe* probe = probe_of(tx, id); probe && probe->links == lease.slice.links) return;
  end_probe(tx, id);
  start(tx, id, false, verified);
}

void probe_after_use(Tx& tx, LeaseId id) {
  const auto& certificates = tx.d.leases.at(id).certificates;
  const bool before = std::any_of(certificates.begin(), certificates.end(),
                                  [](const Certificate& c) { return !c.at_return && c.passed; });
  if (before && tx.machine.config.ground->probe.wanted) start(tx, id, true, {});
}

bool probed_at_return(const Tx& tx, LeaseId id) {
  const auto it = tx.soft.driving.probes.find(id);
  return it != tx.soft.driving.probes.end() && it->second.at_return;
}

bool probe_is_of(const Tx& tx, LeaseId id, const Links& links) {
  const auto it = tx.soft.driving.probes.find(id);
  return it != tx.soft.driving.probes.end() && it->second.links == links;
}

void end_probe(Tx& tx, LeaseId id) {
  const Probe* probe = probe_of(tx, id);
  if (!probe) return;
  dismiss(tx, id, *probe);
  tx.soft.driving.probes.erase(id);
  tx.soft.timers.cancel({TimerKind::probe, id.value});
}

void probe_opened(Tx& tx, NodeId node, const ProbeOpened& said) {
  const auto spoken = who(tx, node, said.ticket);
  if (!spoken) return;
  Probe& probe = *probe_of(tx, spoken->lease);
  if (probe.run != 0) return;
  if (said.code != Code::none)
    return not_measured(tx, spoken->lease,
                        fmt::format("{}: {}", tx.d.nodes.at(node).name, said.detail));
  probe.address[spoken->place] = said.address;
  probe.awaited.erase(spoken->place);
  if (probe.awaited.empty()) run_all(tx, spoken->lease);
}

void probe_done(Tx& tx, NodeId node, const ProbeDone& said) {
  const auto spoken = who(tx, node, said.ticket);
  if (!spoken) return;
  Probe& probe = *probe_of(tx, spoken->lease);
  if (probe.run == 0 || said.run != probe.run) return;
  for (PairMeasure m : said.measures) {
    if (m.to >= probe.address.size() || m.to == spoken->place) continue;
    m.from = spoken->place;
    PairMeasure& kept = probe.measures[{m.from, m.to}];
    const PairMeasure before = kept;
    kept = m;
    kept.bandwidth_bps = std::max(m.bandwidth_bps, before.bandwidth_bps);
    if (before.latency_ns != 0 && (m.latency_ns == 0 || before.latency_ns < m.latency_ns))
      kept.latency_ns = before.latency_ns;
  }
  probe.awaited.erase(spoken->place);
  if (probe.awaited.empty()) judge(tx, spoken->lease);
}

void probe_due(Tx& tx, LeaseId id) {
  const Probe* probe = probe_of(tx, id);
  if (!probe) return;
  if (probe->ticket == 0 && probe->at_return) {
    tx.soft.driving.probes.erase(id);
    tx.soft.driving.dirty = true;
    return;
  }
  if (probe->ticket == 0) return open(tx, id);
  std::string silent;
  for (const std::uint32_t place : probe->awaited)
    silent += (silent.empty() ? "" : " ") + tx.d.nodes.at(lease_of(tx, id).nodes[place]).name;
  not_measured(tx, id, "no answer in time from " + silent.substr(0, 200));
}

}  // namespace weft::broker
