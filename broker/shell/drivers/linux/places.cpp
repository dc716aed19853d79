#include "broker/shell/drivers/linux/places.hpp"

#include <fmt/format.h>

namespace weft::broker::netns {
namespace {

bool bit(std::uint64_t mask, std::uint32_t i) { return (mask >> i & 1) != 0; }

}  // namespace

std::string dotted(std::uint32_t a) {
  return fmt::format("{}.{}.{}.{}", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

Places::Places(const fabric::Fabric& fabric, std::string tag)
    : rail_(fabric.rails.front()),
      tree_(fabric.tree()),
      tag_(std::move(tag)),
      present_(fabric::present(fabric.rails.front())) {
  const auto add = [&](Tier tier, const std::vector<fabric::Switch>& all) {
    for (std::uint32_t i = 0; i < all.size(); ++i)
      if (!all[i].name.empty()) switches_.push_back({tier, i});
  };
  add(Tier::leaf, rail_.leaves);
  add(Tier::l2, rail_.l2);
  add(Tier::spine, rail_.spines);
  for (std::uint32_t h = 0; h < tree_.hosts(); ++h)
    if (bit(present_.hosts(h / tree_.hosts_per_leaf), h % tree_.hosts_per_leaf))
      hosts_.push_back(h);
}

std::string Places::space(std::uint32_t host) const { return fmt::format("{}h{}", prefix(), host); }

std::string Places::short_name(At at) const {
  const std::uint32_t i = at.index;
  switch (at.tier) {
    case Tier::leaf: return fmt::format("leaf{}_{}", tree_.pod_of(i), i % tree_.leaves_per_pod);
    case Tier::l2: return fmt::format("l2_{}_{}", i / tree_.l2_per_pod, i % tree_.l2_per_pod);
    case Tier::spine: break;
  }
  return fmt::format("spine{}_{}", i / tree_.spines_per_l2, i % tree_.spines_per_l2);
}

std::string Places::name(At at) const {
  const auto& all = at.tier == Tier::leaf ? rail_.leaves
                    : at.tier == Tier::l2 ? rail_.l2
                                          : rail_.spines;
  return at.index < all.size() ? all[at.index].name : "a switch that there is not";
}

std::string Places::name(std::uint32_t host) const {
  return host < rail_.hosts.size() && !rail_.hosts[host].name.empty()
             ? rail_.hosts[host].name
             : fmt::format("host {}", host);
}

std::vector<Hop> Places::ports(At at) const {
  std::vector<Hop> out;
  const auto add = [&](Hop::Way way, std::uint32_t port, bool there) {
    if (there) out.push_back({way, port});
  };
  const fabric::Tree& t = tree_;
  switch (at.tier) {
    case Tier::leaf:
      for (std::uint32_t i = 0; i < t.hosts_per_leaf; ++i)
        add(Hop::Way::down, i, bit(present_.hosts(at.index), i));
      for (std::uint32_t i = 0; i < t.l2_per_pod; ++i)
        add(Hop::Way::up, i, bit(present_.leaf_up(at.index), i));
      break;
    case Tier::l2: {
      const std::uint32_t pod = at.index / t.l2_per_pod, i = at.index % t.l2_per_pod;
      for (std::uint32_t l = 0; l < t.leaves_per_pod; ++l)
        add(Hop::Way::down, l, bit(present_.leaf_up(pod * t.leaves_per_pod + l), i));
      for (std::uint32_t j = 0; j < t.spines_per_l2; ++j)
        add(Hop::Way::up, j, bit(present_.l2_up(at.index), j));
      break;
    }
    case Tier::spine:
      for (std::uint32_t pod = 0; pod < t.pods; ++pod)
        add(Hop::Way::down, pod,
            bit(present_.l2_up(pod, at.index / t.spines_per_l2), at.index % t.spines_per_l2));
  }
  return out;
}

End Places::beyond(At at, Hop port) const {
  const fabric::Tree& t = tree_;
  const auto of_switch = [](Tier tier, std::uint32_t index, Hop::Way way, std::uint32_t p) {
    return End{false, 0, {tier, index}, {way, p}};
  };
  const bool up = port.way == Hop::Way::up;
  switch (at.tier) {
    case Tier::leaf:
      if (!up) return {true, at.index * t.hosts_per_leaf + port.port, {}, {}};
      return of_switch(Tier::l2, t.pod_of(at.index) * t.l2_per_pod + port.port, Hop::Way::down,
                       at.index % t.leaves_per_pod);
    case Tier::l2:
      if (up)
        return of_switch(Tier::spine, at.index % t.l2_per_pod * t.spines_per_l2 + port.port,
                         Hop::Way::down, at.index / t.l2_per_pod);
      return of_switch(Tier::leaf, at.index / t.l2_per_pod * t.leaves_per_pod + port.port,
                       Hop::Way::up, at.index % t.l2_per_pod);
    case Tier::spine: break;
  }
  return of_switch(Tier::l2, port.port * t.l2_per_pod + at.index / t.spines_per_l2, Hop::Way::up,
                   at.index % t.spines_per_l2);
}

std::string Places::device(Hop port) {
  return fmt::format("{}{}", port.way == Hop::Way::up ? 'u' : 'd', port.port);
}

std::optional<Hop> Places::port_of(std::string_view device) {
  if (device.size() < 2 || device.size() > 3) return {};
  Hop out{device[0] == 'u' ? Hop::Way::up : Hop::Way::down, 0};
  if (device[0] != 'u' && device[0] != 'd') return {};
  for (const char c : device.substr(1)) {
    if (c < '0' || c > '9') return {};
    out.port = out.port * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return out;
}

Mac Places::mac(const End& end) {
  const std::uint32_t kind = end.is_host ? 0 : static_cast<std::uint32_t>(end.at.tier) + 1;
  const std::uint32_t index = end.is_host ? end.host : end.at.index;
  const std::uint32_t port =
      end.is_host ? 0 : end.port.port + (end.port.way == Hop::Way::up ? 0x80 : 0);
  return {0x02,
          0x77,
          static_cast<std::uint8_t>(kind << 4 | index >> 16),
          static_cast<std::uint8_t>(index >> 8),
          static_cast<std::uint8_t>(index),
          static_cast<std::uint8_t>(port)};
}

std::uint32_t Places::address(std::uint32_t host) const {
  const std::uint32_t leaf = host / tree_.hosts_per_leaf, slot = host % tree_.hosts_per_leaf;
  return 10U << 24 | tree_.pod_of(leaf) << 16 | leaf % tree_.leaves_per_pod << 8 | (slot + 1);
}

// 64 * 64 elements of a kind at most: 16 values of the third byte for each kind, after 169.254.0.
std::uint32_t Places::own_address(At at) const {
  const std::uint32_t kind = static_cast<std::uint32_t>(at.tier) + 1;
  return 0xa9fe0000U + (kind << 13) + at.index + 1;
}

std::optional<std::uint32_t> Places::host_at(std::uint32_t a) const {
  const std::uint32_t pod = a >> 16 & 255, leaf = a >> 8 & 255, slot = (a & 255) - 1;
  if (a >> 24 != 10 || pod >= tree_.pods || leaf >= tree_.leaves_per_pod ||
      slot >= tree_.hosts_per_leaf)
    return {};
  return (pod * tree_.leaves_per_pod + leaf) * tree_.hosts_per_leaf + slot;
}

fabric::Cut Places::link(At at, Hop port) const {
  fabric::Cut out;
  const std::uint64_t one = std::uint64_t{1} << port.port;
  if (port.way == Hop::Way::up) {
    if (at.tier == Tier::leaf) out.leaves.push_back({at.index, 0, one});
    if (at.tier == Tier::l2) out.l2.push_back({at.index, one});
    return out;
  }
  const End end = beyond(at, port);
  if (!end.is_host) return link(end.at, end.port);  // named by its lower end
  out.leaves.push_back({at.index, one, 0});
  return out;
}

}  // namespace weft::broker::netns
