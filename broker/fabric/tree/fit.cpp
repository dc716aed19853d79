// How well a part of a leaf suits a piece of a slice.
#include <algorithm>

#include "broker/fabric/tree/shapes.hpp"

namespace weft::broker::fabric {
namespace {

// A host left over on the leaf costs as much as keeping the leaf from being whole again for 150 s;
// what the others on it stay on after us is time in which our hosts are a stub: half as bad.
// Runtimes of 20 to 3,000 s were tried; utilisation is flat around these (005-slices.md).
constexpr std::int64_t of_host_left = 300, of_second_longer = 2, of_second_shorter = 1;

}  // namespace

std::int64_t cost(const Masks& masks, const Search& search, std::uint32_t leaf,
                  std::uint32_t hosts) {
  const std::uint32_t free = masks.free_on(leaf);
  if (!search.term) return free;
  const std::int64_t others = std::max(masks.busy_until(leaf), search.term->now_s);
  const std::int64_t longer = search.term->end_s - others;
  return of_host_left * (free - hosts) +
         (longer > 0 ? of_second_longer * longer : of_second_shorter * -longer);
}

}  // namespace weft::broker::fabric
