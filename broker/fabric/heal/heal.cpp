#include "broker/fabric/heal/heal.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "broker/fabric/heal/relink.hpp"
#include "broker/fabric/tree/allocator.hpp"

namespace weft::broker::fabric {
namespace {

std::set<std::uint32_t> host_set(const Tree& t, const Cut& cut) {
  std::set<std::uint32_t> out;
  for (const Cut::Leaf& leaf : cut.leaves)
    for (std::uint32_t slot = 0; slot < t.hosts_per_leaf; ++slot)
      if (leaf.hosts >> slot & 1) out.insert(leaf.leaf * t.hosts_per_leaf + slot);
  return out;
}

bool dead_hosts(const Masks& free, const Cut::Leaf& leaf) {
  return (leaf.hosts & ~free.hosts(leaf.leaf)) != 0;
}

class Healer {
 public:
  Healer(const Masks& free, const Cut& slice) : free_(free), t_(free.tree()), slice_(slice) {}

  std::optional<Healed> run() {
    const Cut alive = replace_dead();
    const bool all_alive = std::ranges::none_of(
        alive.leaves, [&](const Cut::Leaf& leaf) { return dead_hosts(free_, leaf); });
    if (all_alive)
      if (auto cut = relink(free_, alive))
        return done(std::move(*cut), alive == slice_ ? Healing::links : Healing::hosts);
    if (auto cut = move_leaf(alive)) return done(std::move(*cut), Healing::hosts);
    if (all_alive)
      if (auto cut = fewer_links(alive)) return done(std::move(*cut), Healing::fewer);
    if (auto cut = Allocator(Policy::jigsaw).cut(free_, std::max(slice_.asked, slice_.hosts())))
      return done(std::move(*cut), Healing::whole);
    return std::nullopt;
  }

 private:
  Healed done(Cut cut, Healing how) const {
    Healed out{std::move(cut), how, {}, {}};
    const auto was = host_set(t_, slice_), is = host_set(t_, out.cut);
    std::ranges::set_difference(was, is, std::back_inserter(out.left));
    std::ranges::set_difference(is, was, std::back_inserter(out.came));
    return out;
  }

  // Any host of a leaf is as good as another, so the links stay.
  Cut replace_dead() const {
    Cut out = slice_;
    for (Cut::Leaf& leaf : out.leaves) {
      const std::uint64_t good = leaf.hosts & free_.hosts(leaf.leaf);
      const std::uint64_t spare = free_.hosts(leaf.leaf) & ~leaf.hosts;
      const std::uint32_t missing = count(leaf.hosts) - count(good);
      if (count(spare) >= missing) leaf.hosts = good | lowest(spare, missing);
    }
    return out;
  }

  // The leaf with fewest hosts first (the remainder leaf), damaged ones before others.
  std::vector<std::size_t> leaves_to_move(const Cut& cut) const {
    std::vector<std::size_t> out(cut.leaves.size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = i;
    const auto rank = [&](std::size_t i) {
      const Cut::Leaf& leaf = cut.leaves[i];
      const bool damaged = dead_hosts(free_, leaf) || (leaf.up & ~free_.leaf_up(leaf.leaf)) != 0;
      return std::tuple(count(leaf.hosts), !damaged, i);
    };
    std::ranges::sort(out, {}, rank);
    return out;
  }

  // Leaves that the hosts of leaf `i` may move to: fewest free hosts first.
  std::vector<std::uint32_t> targets(const Cut& cut, std::size_t i) const {
    const std::uint32_t n = count(cut.leaves[i].hosts), pod = t_.pod_of(cut.leaves[i].leaf);
    std::set<std::uint32_t> leaves, pods;
    for (std::size_t k = 0; k < cut.leaves.size(); ++k) {
      leaves.insert(cut.leaves[k].leaf);
      if (k != i) pods.insert(t_.pod_of(cut.leaves[k].leaf));
    }
    std::vector<std::uint32_t> out;
    for (std::uint32_t l = 0; l < t_.leaves(); ++l) {
      const bool near = t_.pod_of(l) == pod;
      const bool may_leave = !pods.contains(pod) && !pods.contains(t_.pod_of(l));
      if (!leaves.contains(l) && count(free_.hosts(l)) >= n && (near || may_leave))
        out.push_back(l);
    }
    std::ranges::stable_sort(out, {}, [&](std::uint32_t l) { return count(free_.hosts(l)); });
    return out;
  }

  std::optional<Cut> move_leaf(const Cut& cut) const {
    for (const std::size_t i : leaves_to_move(cut)) {
      bool others_alive = true;  // else moving this leaf would not do
      for (std::size_t k = 0; k < cut.leaves.size(); ++k)
        others_alive &= k == i || !dead_hosts(free_, cut.leaves[k]);
      if (!others_alive) continue;
      for (const std::uint32_t l : targets(cut, i)) {
        Cut moved = cut;
        moved.leaves[i] = {l, lowest(free_.hosts(l), count(cut.leaves[i].hosts)), cut.leaves[i].up};
        if (auto out = relink(free_, moved)) return out;
      }
    }
    return std::nullopt;
  }

  std::optional<Cut> fewer_links(Cut cut) const {
    for (Cut::Leaf& leaf : cut.leaves) leaf.up &= free_.leaf_up(leaf.leaf);
    for (Cut::L2& l2 : cut.l2) l2.up &= free_.l2_up(l2.l2);
    std::erase_if(cut.l2, [](const Cut::L2& l2) { return l2.up == 0; });
    if (connected(cut)) return cut;
    // The leaf with fewest hosts may reach the others by links that all of them still have.
    const auto few = std::ranges::min_element(
        cut.leaves, {}, [](const Cut::Leaf& leaf) { return count(leaf.hosts); });
    std::uint64_t common = free_.leaf_up(few->leaf);
    for (const Cut::Leaf& leaf : cut.leaves)
      if (leaf.leaf != few->leaf) common &= leaf.up;
    few->up = pick(common, count(few->hosts), few->up);
    if (connected(cut)) return cut;
    return std::nullopt;
  }

  // Every two leaves have a way over links of the slice, up and then down.
  bool connected(const Cut& cut) const {
    const auto l2_up = [&](std::uint32_t pod, std::uint32_t i) {
      const auto it = std::ranges::find(cut.l2, pod * t_.l2_per_pod + i, &Cut::L2::l2);
      return it == cut.l2.end() ? std::uint64_t{0} : it->up;
    };
    for (const Cut::Leaf& a : cut.leaves)
      for (const Cut::Leaf& b : cut.leaves) {
        if (a.leaf >= b.leaf) continue;
        std::uint64_t ways = a.up & b.up;
        const std::uint32_t p = t_.pod_of(a.leaf), q = t_.pod_of(b.leaf);
        for (std::uint32_t i = 0; i < t_.l2_per_pod && p != q; ++i)
          if ((l2_up(p, i) & l2_up(q, i)) == 0) ways &= ~(std::uint64_t{1} << i);
        if (ways == 0) return false;
      }
    return true;
  }

  const Masks& free_;
  const Tree& t_;
  const Cut& slice_;
};

}  // namespace

std::string_view to_string(Healing healing) {
  switch (healing) {
    case Healing::links: return "links";
    case Healing::hosts: return "hosts";
    case Healing::fewer: return "fewer";
    case Healing::whole: return "whole";
  }
  return "?";
}

std::optional<Healed> heal(const Masks& free, const Cut& slice) {
  return Healer(free, slice).run();
}

}  // namespace weft::broker::fabric
