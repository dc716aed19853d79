// What the figures of an acceptance probe mean: which ways are too slow, and which links or hosts
// those have in common that no good way uses (as in network tomography: Duffield, "Network
// Tomography of Binary Network Performance Characteristics", IEEE Trans. Inf. Theory 52, 2006).
// Pure. Thread: any. Errors: none.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "broker/fabric/routes/routes.hpp"

namespace weft::broker::fabric {

struct Way {  // one way between two nodes
  std::uint32_t from = 0, to = 0;
  std::uint64_t bandwidth_bps = 0;  // 0: nothing arrived
};

struct Bar {
  // What a way reaches on a fabric that is well; 0: not known, then what three quarters of the
  // slice's own ways do not exceed stands for it, so that a few bad ones don't lower the bar.
  std::uint64_t expected_bps = 0;
  std::uint32_t share_percent = 80;  // of that, by every way
};
std::uint64_t needed_bps(std::span<const Way> ways, const Bar& bar);

// Positions of the ways that have less, slowest first.
std::vector<std::size_t> below(std::span<const Way> ways, std::uint64_t needed_bps);

// Hosts and links that every bad way may have been slow for: those on bad ways and on no good one;
// where there are none, all that are on bad ways. Ways here name hosts of the tree.
Cut suspects(const Tree& tree, const Routes& routes, std::span<const Way> bad,
             std::span<const Way> good);

}  // namespace weft::broker::fabric
