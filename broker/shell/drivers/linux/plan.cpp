#include "broker/shell/drivers/linux/tables.hpp"

namespace weft::broker::netns {
namespace {

bool has(std::uint64_t mask, std::uint32_t i) { return (mask >> i & 1) != 0; }

// What a slice owns at every switch, from its cut.
struct Owned {
  std::vector<std::uint64_t> hosts, leaf_up, l2_up;  // by leaf, leaf, L2

  Owned(const fabric::Tree& t, const fabric::Cut& cut)
      : hosts(t.leaves()), leaf_up(t.leaves()), l2_up(t.l2()) {
    for (const auto& leaf : cut.leaves) hosts[leaf.leaf] = leaf.hosts, leaf_up[leaf.leaf] = leaf.up;
    for (const auto& l2 : cut.l2) l2_up[l2.l2] = l2.up;
  }

  bool has_port(const Places& places, At at, Hop port) const {
    if (port.way == Hop::Way::up)
      return has(at.tier == Tier::leaf ? leaf_up[at.index] : l2_up[at.index], port.port);
    const End below = places.beyond(at, port);
    if (below.is_host) return has(hosts[at.index], port.port);
    return has_port(places, below.at, below.port);
  }
};

// The cut without links and hosts that there are not now.
fabric::Cut what_is_left(const fabric::Cut& cut, const fabric::Masks& there) {
  fabric::Cut out = cut;
  for (auto& leaf : out.leaves) {
    leaf.hosts &= there.hosts(leaf.leaf);
    leaf.up &= there.leaf_up(leaf.leaf);
  }
  for (auto& l2 : out.l2) l2.up &= there.l2_up(l2.l2);
  return out;
}

}  // namespace

std::vector<SwitchPlan> plan(const Places& places, std::span<const fabric::Placed> slices,
                             const fabric::Cut& failed) {
  fabric::Masks there = places.present();
  there.shield(failed);
  std::vector<fabric::Placed> left(slices.begin(), slices.end());
  for (auto& slice : left) slice.cut = what_is_left(slice.cut, there);
  const fabric::Routes routes(there, left);
  std::vector<SwitchPlan> out(places.switches().size());
  for (std::size_t s = 0; s < slices.size(); ++s) {
    const Owned owned(places.tree(), slices[s].cut), usable(places.tree(), left[s].cut);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const At at = places.switches()[i];
      SlicePart part;
      part.slice = slices[s].slice;
      for (const Hop port : places.ports(at))
        if (owned.has_port(places, at, port)) part.ports.push_back(port);
      if (part.ports.empty()) continue;
      for (const std::uint32_t host : places.hosts()) {
        if (routes.slice_of(host) != s) continue;
        const Hop hop = routes.next(at, host);
        // Routes also says how management traffic gets there, over anybody's links: not here.
        if (hop.way != Hop::Way::none && usable.has_port(places, at, hop))
          part.rows.emplace(host, hop);
      }
      out[i].push_back(std::move(part));
    }
  }
  return out;
}

}  // namespace weft::broker::netns
