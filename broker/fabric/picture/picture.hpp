// A fabric with its slices, drawn: as text for a terminal, and as an SVG that needs nothing else.
// The same code draws a file's fabric and the broker's live one.
// Thread: any. Errors: none.
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "broker/fabric/model/fabric.hpp"
#include "broker/fabric/routes/routes.hpp"

namespace weft::broker::fabric {

struct Scene {
  const Fabric& fabric;
  std::span<const Placed> slices;       // an element that two have is drawn as the first one's
  std::span<const std::string> labels;  // of the slices, in their order; may be shorter
  std::uint32_t rail = 0;
};

struct TerminalOptions {
  std::uint32_t columns = 100;
  bool colours = false;  // ANSI escapes
};
// A column a leaf with its hosts and its links to L2 switches, then a column an L2 switch with its
// links to spines, as many beside each other as fit; beyond 4,096 hosts
// a line a pod with counts. A letter is a slice; the legend below says which.
std::string draw_terminal(const Scene& scene, const TerminalOptions& options = {});

// Spines on top, L2 switches, leaves, hosts below; a slice's hosts and links in its colour; a
// tooltip on each element. Elements carry classes: host, switch, link; free, missing, reserved,
// slice. One line element a link, also of those that the tree has room for and that are missing.
std::string draw_svg(const Scene& scene);

}  // namespace weft::broker::fabric
