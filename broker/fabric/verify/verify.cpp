#include "broker/fabric/verify/verify.hpp"

#include <fmt/format.h>

#include <map>
#include <set>
#include <tuple>

namespace weft::broker::fabric {
namespace {

constexpr std::uint32_t switches_max = 5;

using Link =
    std::tuple<Tier, std::uint32_t, std::uint32_t>;  // tier and index of its lower end, port

std::vector<std::uint32_t> hosts_of(const Tree& t, const Cut& cut, std::uint32_t per_leaf_max) {
  std::vector<std::uint32_t> out;
  for (const Cut::Leaf& leaf : cut.leaves) {
    std::uint32_t taken = 0;
    for (std::uint32_t slot = 0; slot < t.hosts_per_leaf && taken < per_leaf_max; ++slot)
      if (leaf.hosts >> slot & 1) out.push_back(leaf.leaf * t.hosts_per_leaf + slot), ++taken;
  }
  return out;
}

std::set<Link> links_of(const Cut& cut) {
  std::set<Link> out;
  for (std::uint32_t i = 0; i < 64; ++i) {
    for (const Cut::Leaf& leaf : cut.leaves)
      if (leaf.up >> i & 1) out.emplace(Tier::leaf, leaf.leaf, i);
    for (const Cut::L2& l2 : cut.l2)
      if (l2.up >> i & 1) out.emplace(Tier::l2, l2.l2, i);
  }
  return out;
}

class Verifier {
 public:
  Verifier(const Tree& tree, std::span<const Placed> slices, const Observed& observed)
      : t_(tree), slices_(slices), seen_(observed) {}

  VerifyReport run(std::span<const std::size_t> wanted) {
    disjoint();
    for (const std::size_t s : wanted) {
      inside(s);
      outside(s);
    }
    return std::move(out_);
  }

 private:
  void differ(std::uint64_t slice, std::string what) {
    if (out_.differences.size() < differences_max)
      out_.differences.push_back({slice, std::move(what)});
    else
      ++out_.more_differences;
  }

  void disjoint() {
    std::map<std::uint32_t, std::uint64_t> host_of;
    std::map<Link, std::uint64_t> link_of;
    for (const Placed& s : slices_) {
      for (const std::uint32_t h : hosts_of(t_, s.cut, 64))
        if (const auto [it, fresh] = host_of.emplace(h, s.slice); !fresh)
          differ(s.slice,
                 fmt::format("host {} is in slice {} too", seen_.host_name(h), it->second));
      for (const Link& l : links_of(s.cut))
        if (const auto [it, fresh] = link_of.emplace(l, s.slice); !fresh)
          differ(s.slice, fmt::format("uplink {} of {} is in slice {} too", std::get<2>(l),
                                      seen_.name({std::get<0>(l), std::get<1>(l)}), it->second));
    }
  }

  void inside(std::size_t s) {
    const Placed& slice = slices_[s];
    const auto hosts = hosts_of(t_, slice.cut, 64);
    const auto links = links_of(slice.cut);
    for (const std::uint32_t from : hosts)
      for (const std::uint32_t to : hosts) {
        if (from == to) continue;
        ++out_.pairs;
        if (!seen_.admitted(from, to))
          differ(slice.slice,
                 fmt::format("{} may not send to {}", seen_.host_name(from), seen_.host_name(to)));
        walk(slice.slice, links, from, to);
      }
  }

  void walk(std::uint64_t slice, const std::set<Link>& links, std::uint32_t from,
            std::uint32_t to) {
    const auto wrong = [&](At at, const std::string& what) {
      differ(slice, fmt::format("{} to {}: at {}: {}", seen_.host_name(from), seen_.host_name(to),
                                seen_.name(at), what));
    };
    At at{Tier::leaf, from / t_.hosts_per_leaf};
    Hop in{Hop::Way::down, from % t_.hosts_per_leaf};
    bool down = false;
    for (std::uint32_t passed = 1; passed <= switches_max; ++passed) {
      const Hop hop = seen_.next_from ? seen_.next_from(at, in, from, to) : seen_.next(at, to);
      if (hop.way == Hop::Way::none) return wrong(at, "no way there");
      if (hop.way == Hop::Way::up) {
        if (down) return wrong(at, fmt::format("up again by uplink {}", hop.port));
        if (!links.contains({at.tier, at.index, hop.port}))
          return wrong(at, fmt::format("uplink {} is not the slice's", hop.port));
        in = {Hop::Way::down,
              at.tier == Tier::leaf ? at.index % t_.leaves_per_pod : at.index / t_.l2_per_pod};
        at = above(at, hop.port);
        continue;
      }
      down = true;
      if (hop.port >= ports_down(at.tier))
        return wrong(at, fmt::format("down by {}: no such port", hop.port));
      if (at.tier == Tier::leaf) {
        if (at.index * t_.hosts_per_leaf + hop.port != to)
          wrong(at, "goes to " + seen_.host_name(at.index * t_.hosts_per_leaf + hop.port));
        return;
      }
      const At below = under(at, hop.port);
      const std::uint32_t port =
          at.tier == Tier::l2 ? at.index % t_.l2_per_pod : at.index % t_.spines_per_l2;
      if (!links.contains({below.tier, below.index, port}))
        return wrong(at, fmt::format("the link down to {} is not the slice's", seen_.name(below)));
      in = {Hop::Way::up, port};
      at = below;
    }
    wrong(at, fmt::format("more than {} switches: a loop", switches_max));
  }

  std::uint32_t ports_down(Tier tier) const {
    return tier == Tier::leaf ? t_.hosts_per_leaf : tier == Tier::l2 ? t_.leaves_per_pod : t_.pods;
  }
  At above(At at, std::uint32_t port) const {
    if (at.tier == Tier::leaf)
      return {Tier::l2, at.index / t_.leaves_per_pod * t_.l2_per_pod + port};
    return {Tier::spine, at.index % t_.l2_per_pod * t_.spines_per_l2 + port};
  }
  At under(At at, std::uint32_t port) const {
    if (at.tier == Tier::l2)
      return {Tier::leaf, at.index / t_.l2_per_pod * t_.leaves_per_pod + port};
    return {Tier::l2, port * t_.l2_per_pod + at.index / t_.spines_per_l2};
  }

  void outside(std::size_t s) {
    const auto own = hosts_of(t_, slices_[s].cut, 1);
    for (std::size_t other = 0; other < slices_.size(); ++other) {
      if (other == s) continue;
      for (const std::uint32_t theirs : hosts_of(t_, slices_[other].cut, 1))
        for (const std::uint32_t mine : own)
          for (const auto& [from, to] : {std::pair(mine, theirs), std::pair(theirs, mine)}) {
            ++out_.negative_probes;
            if (seen_.admitted(from, to))
              differ(slices_[s].slice,
                     fmt::format("{} of slice {} may send to {} of slice {}", seen_.host_name(from),
                                 from == mine ? slices_[s].slice : slices_[other].slice,
                                 seen_.host_name(to),
                                 from == mine ? slices_[other].slice : slices_[s].slice));
          }
    }
  }

  const Tree& t_;
  std::span<const Placed> slices_;
  const Observed& seen_;
  VerifyReport out_;
};

}  // namespace

VerifyReport verify(const Tree& tree, std::span<const Placed> slices,
                    std::span<const std::size_t> wanted, const Observed& observed) {
  return Verifier(tree, slices, observed).run(wanted);
}

}  // namespace weft::broker::fabric
