// Trees of up to 16 hosts, small enough to try everything on.
#pragma once
#include <cstdint>

#include "broker/fabric/tree/tree.hpp"

namespace weft::broker::fabric {

inline Tree tree_of(std::uint32_t m1, std::uint32_t m2, std::uint32_t m3, std::uint32_t w2,
                    std::uint32_t w3) {
  return {m1, m2, m3, w2, w3};
}
inline const Tree small_trees[] = {
    tree_of(2, 2, 4, 2, 2),                                                  // radix 4
    tree_of(2, 4, 1, 2, 1),                                                  // radix 4, two levels
    tree_of(4, 4, 1, 4, 1), tree_of(2, 8, 1, 2, 1), tree_of(5, 3, 1, 5, 1),  // two levels
    tree_of(3, 5, 1, 2, 1), tree_of(3, 5, 1, 4, 1), tree_of(8, 2, 1, 4, 1),  // m1 != w2
    tree_of(3, 2, 2, 2, 2), tree_of(2, 2, 3, 3, 2), tree_of(2, 4, 2, 1, 3),
    tree_of(2, 2, 3, 2, 1), tree_of(2, 3, 2, 2, 2), tree_of(2, 4, 2, 2, 3),  // w3 < m2
    tree_of(2, 2, 4, 2, 3), tree_of(1, 3, 4, 1, 4), tree_of(2, 2, 2, 3, 3),  // w3 > m2
    tree_of(4, 1, 4, 4, 1), tree_of(2, 1, 8, 2, 2), tree_of(1, 1, 9, 1, 1),  // one leaf a pod
    tree_of(1, 4, 3, 1, 4), tree_of(1, 2, 6, 1, 2), tree_of(3, 1, 5, 3, 3),
    tree_of(2, 3, 2, 2, 3), tree_of(4, 2, 2, 4, 2), tree_of(1, 5, 2, 1, 3),
};

}  // namespace weft::broker::fabric
