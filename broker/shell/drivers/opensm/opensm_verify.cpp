#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

#include "broker/shell/drivers/opensm/opensm_class.hpp"

namespace weft::broker {
namespace {

constexpr std::size_t differences_kept = 100;
constexpr std::size_t path_probes_max = 32;
constexpr auto path_retry = std::chrono::milliseconds(20);

void add(fabric::VerifyReport& report, fabric::Difference difference) {
  if (report.differences.size() < differences_kept)
    report.differences.push_back(std::move(difference));
  else
    ++report.more_differences;
}

// Where each port of a switch leads, for quick look-ups.
std::vector<fabric::Hop> hops_of(const fabric::Rail& rail, fabric::At at) {
  std::vector<fabric::Hop> out(256);
  const fabric::Switch& s = switch_at(rail, at);
  for (std::uint32_t i = 0; i < s.down.size(); ++i)
    if (s.down[i] != 0) out[s.down[i]] = {fabric::Hop::Way::down, i};
  for (std::uint32_t i = 0; i < s.up.size(); ++i)
    if (s.up[i] != 0) out[s.up[i]] = {fabric::Hop::Way::up, i};
  return out;
}

}  // namespace

std::string OpenSmDriver::switch_name(std::uint32_t number) const {
  return switch_at(rail(), at_number(rail().tree, number)).name;
}

std::string OpenSmDriver::port_name(KeyPort port) const {
  const std::string& host = rail().hosts[port.host].name;
  if (!port.facing) return host;
  return fmt::format("{}, the port facing {}", switch_name(port.host / rail().tree.hosts_per_leaf),
                     host);
}

std::uint64_t OpenSmDriver::slice_of_key(std::uint16_t key) const {
  const auto it = std::ranges::find(slices_, key, &fabric::Placed::key);
  return key == 0 || it == slices_.end() ? 0 : it->slice;
}

std::vector<std::uint16_t> OpenSmDriver::expected_keys(std::span<const std::uint16_t> key_of,
                                                       KeyPort port) const {
  return fabric::keys_of(key_of[port.host], port.host == manager_host_);
}

// Every host's port and the leaf's port facing it hold exactly what they should: a foreign key
// anywhere, or a full member of the default partition (OpenSM has failed open), shows here.
void OpenSmDriver::check_keys(std::vector<std::vector<std::uint16_t>>& keys, Differences& out) {
  std::vector<KeyPort> ports;
  for (std::uint32_t h = 0; h < rail().hosts.size(); ++h)
    if (!rail().hosts[h].name.empty()) ports.insert(ports.end(), {{h, false}, {h, true}});
  const auto read = reader_.keys(ports, true);
  keys.assign(rail().hosts.size(), {});
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::uint16_t slice_key = key_of_[ports[i].host];
    if (!ports[i].facing && read[i]) keys[ports[i].host] = *read[i];
    if (!read[i]) {
      // A free host may be off; a slice's may not.
      if (slice_key != 0)
        out.push_back(
            {slice_of_key(slice_key), port_name(ports[i]) + ": its P_Keys can't be read"});
      continue;
    }
    const auto want = expected_keys(key_of_, ports[i]);
    if (*read[i] == want) continue;
    const bool open = std::ranges::find(*read[i], 0xffff) != read[i]->end();
    out.push_back(
        {slice_of_key(slice_key),
         fmt::format("{}: P_Keys {:#x}, expected {:#x}{}", port_name(ports[i]),
                     fmt::join(*read[i], " "), fmt::join(want, " "),
                     open ? ": full member of the default partition, OpenSM fails open" : "")});
  }
}

// OpenSM's file routing ignores the topology: tables may be right and a link dead.
void OpenSmDriver::check_links(std::span<const std::size_t> wanted, Differences& out) {
  const fabric::Tree& t = rail().tree;
  std::vector<SwitchPort> ports;
  std::vector<std::pair<std::uint64_t, std::string>> names;
  const auto add_ports = [&](std::uint64_t slice, fabric::At at, std::uint64_t up,
                             std::uint32_t n) {
    for (std::uint32_t i = 0; i < n; ++i) {
      if ((up >> i & 1) == 0) continue;
      ports.push_back({number_of(t, at), port_of(rail(), at, {fabric::Hop::Way::up, i})});
      names.emplace_back(slice, fmt::format("{}: uplink {} (port {})", switch_at(rail(), at).name,
                                            i, ports.back().port));
    }
  };
  for (const std::size_t s : wanted) {
    for (const auto& leaf : slices_[s].cut.leaves)
      add_ports(slices_[s].slice, {fabric::Tier::leaf, leaf.leaf}, leaf.up, t.l2_per_pod);
    for (const auto& l2 : slices_[s].cut.l2)
      add_ports(slices_[s].slice, {fabric::Tier::l2, l2.l2}, l2.up, t.spines_per_l2);
  }
  const auto states = reader_.states(ports);
  for (std::size_t i = 0; i < ports.size(); ++i)
    if (states[i] != PortState::active)
      out.push_back({names[i].first, names[i].second + " is not active"});
}

// Rows are by LID: where LIDs have moved, right tables lead to the wrong hosts.
void OpenSmDriver::check_lids(std::span<const std::size_t> wanted, Differences& out) {
  for (const std::size_t s : wanted) {
    const auto hosts = hosts_of(slices_[s].cut);
    const auto lids = reader_.lids(hosts);
    for (std::size_t i = 0; i < hosts.size(); ++i)
      if (const fabric::Host& h = rail().hosts[hosts[i]]; lids[i] != h.lid)
        out.push_back({slices_[s].slice,
                       lids[i] ? fmt::format("{} has the LID {}, not {}", h.name, *lids[i], h.lid)
                               : h.name + ": its LID can't be read"});
  }
}

// Empty, or what is no longer as it was read for the verdict: the keys of two hosts, or the rows
// for them in the switches of a slice.
std::string OpenSmDriver::moved_since(std::size_t slice, std::uint32_t from, std::uint32_t to) {
  const std::array ports{KeyPort{from, false}, KeyPort{to, false}};
  const auto keys = reader_.keys(ports, true);
  for (std::size_t i = 0; i < ports.size(); ++i)
    if (const auto want = expected_keys(key_of_, ports[i]); keys[i] && *keys[i] != want)
      return fmt::format("{}: P_Keys {:#x} since a moment ago, expected {:#x}", port_name(ports[i]),
                         fmt::join(*keys[i], " "), fmt::join(want, " "));
  for (const std::uint32_t host : {from, to}) {
    const std::uint32_t lid = rail().hosts[host].lid;
    std::vector<TableBlock> blocks;
    for (const TableBlock& b : scope(slices_, std::array{slice}).blocks)
      if (b.block == lid / FabricReader::lids_per_block) blocks.push_back(b);
    const auto rows = reader_.tables(blocks);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const std::uint8_t want = tables_.of[blocks[i].of][lid];
      if (rows[i] && (*rows[i])[lid % FabricReader::lids_per_block] != want)
        return fmt::format("{}: LID {} goes to port {} since a moment ago, planned {}",
                           switch_name(blocks[i].of), lid,
                           (*rows[i])[lid % FabricReader::lids_per_block], want);
    }
  }
  return {};
}

// What the subnet administrator would tell a host that asks for a path.
void OpenSmDriver::check_paths(std::span<const std::size_t> wanted, fabric::VerifyReport& out) {
  if (manager_host_ == UINT32_MAX || options_.read_only) return;
  const std::uint16_t sa = rail().hosts[manager_host_].lid;
  const auto until = Clock::now() + std::chrono::milliseconds(options_.settle_max.ms);
  std::size_t probes = 0;
  for (const std::size_t s : wanted) {
    const auto own = hosts_of(slices_[s].cut);
    const auto probe = [&](std::uint32_t to, std::uint16_t want) {
      if (++probes > path_probes_max) return true;
      if (want == 0) ++out.negative_probes;
      auto key = port_->path_key(sa, rail().hosts[own[0]].lid, rail().hosts[to].lid);
      // Its picture is a moment behind the ports, and after its start it is silent for a while. It
      // can be ahead too: then the ports follow, and there is nothing to wait for.
      while ((!key || (*key & ~fabric::full_member) != want) && Clock::now() < until &&
             manager_.find().pid != 0) {
        if (std::string moved = moved_since(s, own[0], to); !moved.empty()) {
          add(out, {slices_[s].slice, std::move(moved)});
          return false;
        }
        std::this_thread::sleep_for(path_retry);
        key = port_->path_key(sa, rail().hosts[own[0]].lid, rail().hosts[to].lid);
      }
      if (key && (*key & ~fabric::full_member) == want) return true;
      add(out, {slices_[s].slice,
                key ? fmt::format("path from {} to {}: P_Key {:#x}, expected {:#x}",
                                  rail().hosts[own[0]].name, rail().hosts[to].name, *key, want)
                    : key.error().detail});
      return key.has_value();
    };
    if (own.size() > 1 && !probe(own.back(), slices_[s].key)) return;
    for (std::size_t other = 0; other < slices_.size() && other < s + 3; ++other)
      if (other != s && !probe(hosts_of(slices_[other].cut)[0], 0)) return;
  }
}

fabric::VerifyReport OpenSmDriver::check(std::span<const std::size_t> wanted, Phases& phases) {
  const auto ms = [](Clock::time_point from) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - from).count();
  };
  const auto reading = Clock::now();
  const ReadScope parts = scope(slices_, wanted);
  const std::vector<TableBlock> blocks(parts.blocks.begin(), parts.blocks.end());
  const auto rows = reader_.tables(blocks);
  Differences differences;
  std::vector<std::vector<std::uint16_t>> keys;
  check_keys(keys, differences);
  check_links(wanted, differences);
  check_lids(wanted, differences);
  const std::uint32_t per_table = tables_.lids / FabricReader::lids_per_block + 1;
  std::vector<const FabricReader::Rows*> by_block(tables_.of.size() * per_table);
  for (std::size_t i = 0; i < blocks.size(); ++i)
    if (rows[i]) by_block[blocks[i].of * per_table + blocks[i].block] = &*rows[i];
  phases.read_back += ms(reading);

  const auto verifying = Clock::now();
  std::vector<std::vector<fabric::Hop>> hops(tables_.of.size());
  fabric::Observed seen;
  seen.next = [&](fabric::At at, std::uint32_t host) -> fabric::Hop {
    const std::uint32_t number = number_of(rail().tree, at), lid = rail().hosts[host].lid;
    const auto* block = by_block[number * per_table + lid / FabricReader::lids_per_block];
    if (block == nullptr) return {};  // not read: no switch on the slice's paths, or no answer
    if (hops[number].empty()) hops[number] = hops_of(rail(), at);
    return hops[number][(*block)[lid % FabricReader::lids_per_block]];
  };
  seen.admitted = [&](std::uint32_t from, std::uint32_t to) {
    return fabric::admits(keys[from], keys[to]);
  };
  seen.name = [&](fabric::At at) { return switch_at(rail(), at).name; };
  seen.host_name = [&](std::uint32_t host) { return rail().hosts[host].name; };
  fabric::VerifyReport out = fabric::verify(rail().tree, slices_, wanted, seen);
  for (auto& d : differences) add(out, std::move(d));
  if (out.differences.empty()) check_paths(wanted, out);
  phases.verify += ms(verifying);
  return out;
}

Result<Applied> OpenSmDriver::verify(std::span<const std::uint64_t> slices) {
  if (!applied_) return fail(Code::fabric_plan, "nothing has been applied yet");
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < slices_.size(); ++i)
    if (std::ranges::find(slices, slices_[i].slice) != slices.end()) wanted.push_back(i);
  Applied out;
  out.report = check(wanted, out.phases);
  return out;
}

}  // namespace weft::broker
