#include "broker/fabric/heal/rehome.hpp"

#include <algorithm>

namespace weft::broker::fabric {
namespace {

bool is_free(const Masks& masks, const Cut& cut) {
  for (const Cut::Leaf& leaf : cut.leaves)
    if ((leaf.hosts & ~masks.hosts(leaf.leaf)) != 0 || (leaf.up & ~masks.leaf_up(leaf.leaf)) != 0)
      return false;
  for (const Cut::L2& l2 : cut.l2)
    if ((l2.up & ~masks.l2_up(l2.l2)) != 0) return false;
  return true;
}

// With those out whose positions are in `out`, largest first.
std::optional<Rehoming> with_out(Allocator& allocator, Masks masks,
                                 std::span<const Running> running, std::span<const std::size_t> out,
                                 std::uint32_t hosts, Term term, std::uint64_t moved_max) {
  for (const std::size_t i : out) masks.give_back(running[i].cut);
  auto cut = allocator.cut(masks, hosts, term);
  if (!cut) return {};
  masks.take(*cut, term.end_s);
  Rehoming plan{std::move(*cut), {}, 0};
  std::vector<std::size_t> homeless;
  for (const std::size_t i : out) {
    if (is_free(masks, running[i].cut)) {
      masks.take(running[i].cut, running[i].term.end_s);
      continue;
    }
    homeless.push_back(i);
    plan.moved_hosts += running[i].cut.asked;
    if (plan.moved_hosts > moved_max) return {};
  }
  for (const std::size_t i : homeless) {
    auto to = allocator.cut(masks, running[i].cut.asked, running[i].term);
    if (!to) return {};
    masks.take(*to, running[i].term.end_s);
    plan.moves.push_back({i, std::move(*to)});
  }
  return plan;
}

}  // namespace

std::optional<Rehoming> rehome(Allocator& allocator, const Masks& free,
                               std::span<const Running> running, std::uint32_t hosts, Term term,
                               std::uint64_t moved_max) {
  if (free.free_hosts() < hosts) return {};
  if (auto cut = allocator.cut(free, hosts, term)) return Rehoming{std::move(*cut), {}, 0};
  std::vector<std::size_t> by_size(running.size());
  for (std::size_t i = 0; i < running.size(); ++i) by_size[i] = i;
  std::stable_sort(by_size.begin(), by_size.end(), [&](std::size_t a, std::size_t b) {
    return running[a].cut.asked > running[b].cut.asked;
  });
  std::optional<Rehoming> best;
  const std::uint32_t leaf = free.tree().hosts_per_leaf;
  // Halves from the request's own size down to what shares a leaf.
  for (std::uint32_t size_max = hosts; size_max >= std::max(1U, leaf / 4); size_max /= 2) {
    const auto first = std::find_if(by_size.begin(), by_size.end(), [&](std::size_t i) {
      return running[i].cut.asked <= size_max;
    });
    const std::span<const std::size_t> out(first, by_size.end());
    if (out.empty()) break;
    auto plan = with_out(allocator, free, running, out, hosts, term,
                         best ? best->moved_hosts - 1 : moved_max);
    if (plan && (!best || plan->moved_hosts < best->moved_hosts)) best = std::move(plan);
  }
  return best;
}

}  // namespace weft::broker::fabric
