// Private to broker/fabric/import: which vertex stands at which place of the fat tree.
// The rules are those of docs/specs/005-slices.md: a leaf has hosts, an L2 switch is next to a
// leaf, a spine next to an L2 switch; pods are the connected components of leaves and L2 switches,
// trees those of L2 switches and spines; what is equal is ordered by GUID.
// Errors: as problems that name both ends.
#pragma once
#include "broker/fabric/import/graph.hpp"
#include "broker/fabric/tree/tree.hpp"

namespace weft::broker::fabric {

inline constexpr std::uint32_t nobody = UINT32_MAX;

struct Places {
  Tree tree;
  bool spines_exist = false;
  // Vertex by place of the model, `nobody` where there is none.
  std::vector<std::uint32_t> hosts, leaves, l2, spines;
};

// Only of use when `findings` are clean afterwards.
Places find_places(const Graph& graph, Findings& findings);

}  // namespace weft::broker::fabric
