#include "broker/fabric/tree/tree.hpp"

#include <fmt/format.h>

#include <utility>

namespace weft::broker::fabric {

std::string problem(const Tree& tree) {
  const std::pair<const char*, std::uint32_t> counts[] = {{"hosts per leaf", tree.hosts_per_leaf},
                                                          {"leaves per pod", tree.leaves_per_pod},
                                                          {"pods", tree.pods},
                                                          {"L2 switches per pod", tree.l2_per_pod},
                                                          {"spines per L2", tree.spines_per_l2}};
  for (const auto& [what, count] : counts)
    if (count < 1 || count > 64) return fmt::format("{} {}: must be 1 to 64", count, what);
  return {};
}

Tree tree_of_radix(std::uint32_t radix, std::uint32_t levels) {
  const std::uint32_t half = radix / 2;
  if (levels == 2) return {half, radix, 1, half, 1};
  return {half, half, radix, half, half};
}

std::uint64_t lowest(std::uint64_t mask, std::uint32_t n) {
  std::uint64_t out = 0;
  for (; n > 0 && mask != 0; --n) {
    out |= mask & -mask;
    mask &= mask - 1;
  }
  return out;
}

}  // namespace weft::broker::fabric
