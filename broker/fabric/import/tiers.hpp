// Private to broker/fabric/import: the tier of every switch, and that links join tiers as in a fat
// tree.
#pragma once
#include "broker/fabric/import/graph.hpp"

namespace weft::broker::fabric {

enum class Rank : std::uint8_t { unknown, host, leaf, l2, spine };

// By vertex. Problems: no host, a host without exactly one link to a switch, a link inside a tier,
// a fourth level, parallel links.
std::vector<Rank> find_tiers(const Graph& graph, Findings& findings);

}  // namespace weft::broker::fabric
