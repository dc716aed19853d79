#include "client/cli/slice_text.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>

namespace weft::cli {

SliceSize size_of(const Links& links) {
  SliceSize out;
  for (const SliceLeaf& leaf : links.leaves) {
    out.hosts += std::popcount(leaf.hosts);
    out.leaf_links += std::popcount(leaf.up);
  }
  for (const SliceL2& l2 : links.l2) out.spine_links += std::popcount(l2.up);
  return out;
}

std::string shape_of(const Slice& slice) {
  static constexpr std::array names{"leaf",  "pod",           "pods",    "owned",
                                    "stubs", "stubs of pods", "no links"};
  return slice.shape < names.size() ? names[slice.shape] : "?";
}
std::string key_of(const Slice& slice) {
  return slice.key == 0 ? "-" : fmt::format("{:#06x}", slice.key);
}
std::string joined(const std::vector<std::string>& nodes) {
  return fmt::format("{}", fmt::join(nodes, " "));
}

void take_slice(Flags& flags, LeaseId& id) {
  flags.argument("SLICE", "number of the slice, e.g. s9 (it is that of its lease)",
                 take_id(id, 's'));
}

}  // namespace weft::cli
