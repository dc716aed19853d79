#include "broker/fabric/model/generate.hpp"

#include <fmt/format.h>

namespace weft::broker::fabric {
namespace {

constexpr std::uint64_t host_guids = 0x0002c90100000000, switch_guids = 0x0002c90200000000;
constexpr std::uint64_t rail_guids = 0x0000001000000000;  // between the GUIDs of two rails

// Ports: down 1.., then up.
Switch make_switch(std::string name, std::uint32_t number, std::uint32_t hosts, std::uint32_t rail,
                   std::uint32_t down, std::uint32_t up) {
  Switch out;
  out.name = std::move(name);
  out.guid = switch_guids + rail * rail_guids + 16 * std::uint64_t{number};
  out.lid = static_cast<std::uint16_t>(hosts + 1 + number);
  for (std::uint32_t i = 0; i < down; ++i) out.down.push_back(static_cast<std::uint8_t>(1 + i));
  for (std::uint32_t i = 0; i < up; ++i) out.up.push_back(static_cast<std::uint8_t>(1 + down + i));
  out.ports = static_cast<std::uint8_t>(down + up);
  return out;
}

Rail make_rail(const Tree& t, bool spines, std::uint32_t rail) {
  Rail out;
  out.tree = t;
  for (std::uint32_t h = 0; h < t.hosts(); ++h) {
    Host host;
    host.name = fmt::format("h{}", h);
    host.guid = host_guids + rail * rail_guids + 16 * std::uint64_t{h};
    host.port_guid = host.guid + 1;
    host.lid = static_cast<std::uint16_t>(h + 1);
    out.hosts.push_back(std::move(host));
  }
  std::uint32_t number = 0;
  const auto add = [&](std::vector<Switch>& tier, std::string name, std::uint32_t down,
                       std::uint32_t up) {
    tier.push_back(make_switch(std::move(name), number++, t.hosts(), rail, down, up));
  };
  for (std::uint32_t pod = 0; pod < t.pods; ++pod) {
    for (std::uint32_t i = 0; i < t.leaves_per_pod; ++i)
      add(out.leaves, fmt::format("leaf{}_{}", pod, i), t.hosts_per_leaf, t.l2_per_pod);
    for (std::uint32_t i = 0; i < t.l2_per_pod; ++i) {
      add(out.l2, fmt::format("l2_{}_{}", pod, i), t.leaves_per_pod, spines ? t.spines_per_l2 : 0);
      out.l2.back().up.resize(t.spines_per_l2, 0);
    }
  }
  for (std::uint32_t i = 0; i < t.spines(); ++i) {
    if (spines)
      add(out.spines, fmt::format("spine{}_{}", i / t.spines_per_l2, i % t.spines_per_l2), t.pods,
          0);
    else
      out.spines.push_back({{}, 0, 0, 0, std::vector<std::uint8_t>(t.pods, 0), {}});
  }
  return out;
}

}  // namespace

Fabric generate(const Tree& tree, std::uint32_t levels, std::uint32_t rails) {
  Fabric out;
  out.name = fmt::format("generated-{}", tree.hosts());
  for (std::uint32_t rail = 0; rail < rails; ++rail)
    out.rails.push_back(make_rail(tree, levels == 3, rail));
  return out;
}

}  // namespace weft::broker::fabric
