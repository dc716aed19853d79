// Fabrics that nobody has built: for tests, examples and simulations. GUIDs, LIDs and port numbers
// follow docs/specs/005-slices.md, so that text made from them is the same everywhere.
#pragma once
#include "broker/fabric/model/fabric.hpp"

namespace weft::broker::fabric {

// Whole, of `rails` equal rails. levels: 3, or 2 for a tree of one pod without spines. Hosts are
// named h0, h1, ..; `tree` must pass problem().
Fabric generate(const Tree& tree, std::uint32_t levels, std::uint32_t rails = 1);

}  // namespace weft::broker::fabric
