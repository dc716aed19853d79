#include "broker/core/certify.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/bit_rate.hpp"
#include "broker/core/link_sets.hpp"
#include "broker/core/slices.hpp"
#include "broker/fabric/probe/judge.hpp"

namespace weft::broker {
namespace {

using fabric::Way;

// By place, or by host of the tree where `ground` is given.
std::vector<Way> ways_of(const Probe& probe, const Lease* lease = nullptr,
                         const Machine* machine = nullptr) {
  const auto name = [&](std::uint32_t place) {
    if (lease == nullptr) return place;
    const Node& node = machine->durable.nodes.at(lease->nodes[place]);
    return machine->config.ground->place_of(node.name);
  };
  std::vector<Way> out;
  for (const auto& [way, m] : probe.measures)
    out.push_back({name(way.first), name(way.second), m.bandwidth_bps});
  return out;
}

template <class Get>
Spread spread(const std::vector<PairMeasure>& measures, const Get& get) {
  std::vector<std::uint64_t> sorted;
  for (const PairMeasure& m : measures) sorted.push_back(get(m));
  if (sorted.empty()) return {};
  std::sort(sorted.begin(), sorted.end());
  return {sorted.front(), sorted[sorted.size() / 2], sorted.back()};
}

std::string micro(std::uint64_t ns) { return fmt::format("{:.1f}", static_cast<double>(ns) / 1e3); }

}  // namespace

Finding certify(const Machine& m, const Lease& lease, const Probe& probe, Instant now) {
  Finding out;
  Certificate& c = out.certificate;
  c.lease = lease.id;
  c.at_return = probe.at_return;
  c.measured = true;
  c.at = now;
  c.took = now - probe.started;
  for (const auto& [way, measure] : probe.measures) c.slowest.push_back(measure);
  c.pairs = c.slowest.size();
  c.latency_ns = spread(c.slowest, [](const PairMeasure& p) { return p.latency_ns; });
  c.bandwidth_bps = spread(c.slowest, [](const PairMeasure& p) { return p.bandwidth_bps; });
  std::stable_sort(c.slowest.begin(), c.slowest.end(),
                   [](const auto& a, const auto& b) { return a.bandwidth_bps < b.bandwidth_bps; });
  const std::vector<Way> ways = ways_of(probe);
  const GroundProbe& bar = m.config.ground->probe;
  c.bandwidth_needed_bps = probe.run > 1
                               ? probe.needed_bps
                               : fabric::needed_bps(ways, {bar.expected_bps, bar.share_percent});
  for (const std::size_t i : fabric::below(ways, c.bandwidth_needed_bps))
    if (const std::pair way(ways[i].from, ways[i].to);
        probe.run == 1 || probe.was_alone.contains(way))
      out.slow.push_back(way);
  if (c.slowest.size() > limits::certificate_pairs_max)
    c.slowest.resize(limits::certificate_pairs_max);
  c.passed = out.slow.empty();
  c.text =
      fmt::format("{} ways in {}: {} to {}, {} to {} us", c.pairs, to_string(c.took),
                  bit_rate_rounded(c.bandwidth_bps.least), bit_rate_rounded(c.bandwidth_bps.most),
                  micro(c.latency_ns.least), micro(c.latency_ns.most));
  return out;
}

Links suspected(const Machine& m, const Lease& lease, const Probe& probe, const Finding& finding) {
  const Ground& ground = *m.config.ground;
  std::vector<Way> bad, good;
  const std::vector<Way> by_place = ways_of(probe), by_host = ways_of(probe, &lease, &m);
  for (std::size_t i = 0; i < by_host.size(); ++i) {
    const std::pair way(by_place[i].from, by_place[i].to);
    const auto& slow = finding.slow;
    const bool is_slow = std::find(slow.begin(), slow.end(), way) != slow.end();
    (is_slow ? bad : good).push_back(by_host[i]);
  }
  const fabric::Masks there = fabric::present(ground.fabric.rails.front());
  const std::vector<fabric::Placed> placed{{lease.id.value, cut_of(lease.slice), 0}};
  const fabric::Routes routes(there, placed);
  return links_of(fabric::suspects(there.tree(), routes, bad, good));
}

std::string names_of(const Ground& ground, const Links& links) {
  const fabric::Rail& rail = ground.fabric.rails.front();
  const fabric::Tree& tree = rail.tree;
  std::string out;
  const auto add = [&](std::string text) { out += (out.empty() ? "" : ", ") + std::move(text); };
  for (const SliceLeaf& leaf : links.leaves) {
    for (std::uint64_t hosts = leaf.hosts; hosts != 0;)
      add(rail.hosts[leaf.leaf * tree.hosts_per_leaf + fabric::next(hosts)].name);
    const std::uint32_t first = tree.pod_of(leaf.leaf) * tree.l2_per_pod;
    for (std::uint64_t up = leaf.up; up != 0;)
      add(rail.leaves[leaf.leaf].name + " to " + rail.l2[first + fabric::next(up)].name);
  }
  for (const SliceL2& l2 : links.l2)
    for (std::uint64_t up = l2.up; up != 0;)
      add(fmt::format("{} uplink {}", rail.l2[l2.l2].name, fabric::next(up)));
  return out;
}

}  // namespace weft::broker
