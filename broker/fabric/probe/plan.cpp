#include "broker/fabric/probe/plan.hpp"

namespace weft::broker::fabric {

std::vector<std::uint32_t> probe_distances(std::uint32_t nodes, std::size_t turns_max) {
  std::vector<std::uint32_t> out;
  if (nodes < 2) return out;
  const std::uint64_t all = nodes - 1, turns = turns_max < all ? turns_max : all;
  for (std::uint64_t turn = 0; turn < turns; ++turn)
    out.push_back(static_cast<std::uint32_t>(1 + turn * all / turns));
  return out;
}

}  // namespace weft::broker::fabric
