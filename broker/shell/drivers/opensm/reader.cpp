#include "broker/shell/drivers/opensm/reader.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weft::broker {
namespace {

std::uint64_t big_endian(const std::uint8_t* at, int bytes) {
  std::uint64_t out = 0;
  for (int i = 0; i < bytes; ++i) out = out << 8 | at[i];
  return out;
}

}  // namespace

Result<FabricReader> FabricReader::make(const fabric::Rail& rail, SmpPort& port) {
  const auto it = std::ranges::find(rail.hosts, port.port_guid(), &fabric::Host::port_guid);
  if (it == rail.hosts.end())
    return fail(Code::fabric_unread,
                fmt::format("the local port 0x{:016x} is no host's of the fabric description",
                            port.port_guid()));
  FabricReader out(rail, port, static_cast<std::uint32_t>(it - rail.hosts.begin()));
  out.host_caps_.assign(rail.hosts.size(), 0);
  out.leaf_caps_.assign(rail.leaves.size(), 0);
  out.use(fabric::present(rail));
  return out;
}

// Breadth first from the local host's leaf, lowest port first.
void FabricReader::use(const fabric::Masks& usable) {
  const fabric::PortGraph graph(*rail_, usable);
  routes_.assign(graph.size(), {});
  const std::uint32_t leaf = self_ / rail_->tree.hosts_per_leaf;
  routes_[leaf].add(port_->port_number());
  std::vector<std::uint32_t> queue{leaf};
  for (std::size_t head = 0; head < queue.size(); ++head)
    for (const fabric::Edge& e : graph.edges(queue[head]))
      if (routes_[e.to].hops == 0) {
        routes_[e.to] = routes_[queue[head]];
        routes_[e.to].add(e.port);
        queue.push_back(e.to);
      }
}

SmpRequest FabricReader::to_switch(std::uint32_t number, SmpAttribute attribute,
                                   std::uint32_t modifier) const {
  return {attribute, modifier, routes_[number],
          switch_at(*rail_, at_number(rail_->tree, number)).lid, routes_[number].hops > 0};
}

SmpRequest FabricReader::to_host(std::uint32_t host, SmpAttribute attribute,
                                 std::uint32_t modifier) const {
  const fabric::Host& h = rail_->hosts[host];
  if (host == self_) return {attribute, modifier, {}, h.lid, true};
  const std::uint32_t leaf = host / rail_->tree.hosts_per_leaf;
  SmpRequest out{attribute, modifier, routes_[leaf], h.lid, routes_[leaf].hops > 0};
  out.route.add(rail_->leaves[leaf].down[host % rail_->tree.hosts_per_leaf]);
  return out;
}

SmpRequest FabricReader::to_key_port(KeyPort port, std::uint32_t block) const {
  if (!port.facing) return to_host(port.host, SmpAttribute::key_table, block);
  const std::uint32_t leaf = port.host / rail_->tree.hosts_per_leaf;
  const std::uint8_t number = rail_->leaves[leaf].down[port.host % rail_->tree.hosts_per_leaf];
  return to_switch(leaf, SmpAttribute::key_table, std::uint32_t{number} << 16 | block);
}

std::uint32_t FabricReader::key_blocks(KeyPort port) const {
  const std::uint32_t cap =
      port.facing ? leaf_caps_[port.host / rail_->tree.hosts_per_leaf] : host_caps_[port.host];
  return std::max<std::uint32_t>(1, (cap + keys_per_block - 1) / keys_per_block);
}

std::uint16_t FabricReader::manager_lid() {
  const SmpRequest request = to_host(self_, SmpAttribute::port_info, rail_->hosts[self_].port);
  const auto reply = port_->read({&request, 1});
  return reply[0].answered ? static_cast<std::uint16_t>(big_endian(&reply[0].data[18], 2))
                           : std::uint16_t{0};
}

std::vector<std::optional<FabricReader::Rows>> FabricReader::tables(
    std::span<const TableBlock> blocks) {
  std::vector<SmpRequest> requests;
  for (const TableBlock& b : blocks)
    requests.push_back(to_switch(b.of, SmpAttribute::forwarding, b.block));
  const auto replies = port_->read(requests);
  std::vector<std::optional<Rows>> out(blocks.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    if (replies[i].answered) out[i] = replies[i].data;
  return out;
}

std::vector<std::optional<std::vector<std::uint16_t>>> FabricReader::keys(
    std::span<const KeyPort> ports, bool whole) {
  std::vector<SmpRequest> requests;
  std::vector<std::size_t> of;
  for (std::size_t i = 0; i < ports.size(); ++i)
    for (std::uint32_t b = 0; b < (whole ? key_blocks(ports[i]) : 1); ++b) {
      requests.push_back(to_key_port(ports[i], b));
      of.push_back(i);
    }
  const auto replies = port_->read(requests);
  std::vector<std::optional<std::vector<std::uint16_t>>> out(ports.size());
  for (auto& keys : out) keys.emplace();
  for (std::size_t r = 0; r < replies.size(); ++r) {
    auto& keys = out[of[r]];
    if (!replies[r].answered) keys.reset();
    if (!keys) continue;
    for (std::uint32_t k = 0; k < keys_per_block; ++k)
      if (const auto key = static_cast<std::uint16_t>(big_endian(&replies[r].data[2 * k], 2));
          (key & 0x7fff) != 0)
        keys->push_back(key);
  }
  for (auto& keys : out)
    if (keys) std::ranges::sort(*keys);
  return out;
}

std::vector<std::optional<PortState>> FabricReader::states(std::span<const SwitchPort> ports) {
  std::vector<SmpRequest> requests;
  for (const SwitchPort& p : ports)
    requests.push_back(to_switch(p.of, SmpAttribute::port_info, p.port));
  const auto replies = port_->read(requests);
  std::vector<std::optional<PortState>> out(ports.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    if (replies[i].answered) out[i] = static_cast<PortState>(std::min(replies[i].data[32] & 15, 4));
  return out;
}

std::vector<std::optional<std::uint16_t>> FabricReader::lids(std::span<const std::uint32_t> hosts) {
  std::vector<SmpRequest> requests;
  for (const std::uint32_t h : hosts)
    requests.push_back(to_host(h, SmpAttribute::port_info, rail_->hosts[h].port));
  const auto replies = port_->read(requests);
  std::vector<std::optional<std::uint16_t>> out(hosts.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    if (replies[i].answered)
      out[i] = static_cast<std::uint16_t>(big_endian(&replies[i].data[16], 2));
  return out;
}

int FabricReader::key_index(std::uint32_t host, std::uint16_t key) {
  for (std::uint32_t b = 0; b < key_blocks({host, false}); ++b) {
    const SmpRequest request = to_key_port({host, false}, b);
    const auto reply = port_->read({&request, 1});
    for (std::uint32_t k = 0; k < keys_per_block && reply[0].answered; ++k)
      if (big_endian(&reply[0].data[2 * k], 2) == key)
        return static_cast<int>(b * keys_per_block + k);
  }
  return -1;
}

std::vector<std::string> FabricReader::strangers() {
  std::vector<SmpRequest> requests;
  std::vector<std::pair<std::uint64_t, std::string>> expected;
  const fabric::Tree& t = rail_->tree;
  for (std::uint32_t h = 0; h < rail_->hosts.size(); ++h) {
    requests.push_back(to_host(h, SmpAttribute::node_info, 0));
    expected.emplace_back(rail_->hosts[h].guid, rail_->hosts[h].name);
  }
  for (std::uint32_t s = 0; s < routes_.size(); ++s) {
    requests.push_back(to_switch(s, SmpAttribute::node_info, 0));
    const fabric::Switch& sw = switch_at(*rail_, at_number(t, s));
    expected.emplace_back(sw.guid, sw.name);
  }
  for (std::uint32_t l = 0; l < t.leaves(); ++l)
    requests.push_back(to_switch(l, SmpAttribute::switch_info, 0));
  const auto replies = port_->read(requests);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!replies[i].answered || expected[i].second.empty()) continue;
    const std::uint64_t guid = big_endian(&replies[i].data[12], 8);
    if (guid != expected[i].first)
      out.push_back(fmt::format("at the place of '{}' (0x{:016x}) stands 0x{:016x}",
                                expected[i].second, expected[i].first, guid));
    else if (i < host_caps_.size())
      host_caps_[i] = static_cast<std::uint16_t>(big_endian(&replies[i].data[28], 2));
  }
  for (std::uint32_t l = 0; l < t.leaves(); ++l)
    if (const SmpReply& r = replies[expected.size() + l]; r.answered)
      leaf_caps_[l] = static_cast<std::uint16_t>(big_endian(&r.data[14], 2));
  return out;
}

}  // namespace weft::broker
