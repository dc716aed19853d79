// Flows of one slice as its switches forward them, and how many meet on a directed link.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "broker/fabric/routes/routes.hpp"

namespace weft::broker::fabric {

// Hosts of a cut: leaf by leaf as the cut lists them, by slot within; or by host number.
std::vector<std::uint32_t> ranks_by_leaf(const Tree& tree, const Cut& cut);
std::vector<std::uint32_t> ranks_by_number(const Tree& tree, const Cut& cut);

class Flows {
 public:
  // Walks every ordered pair of `hosts`, which are those of slices[slice] in the order of ranks.
  Flows(const Tree& tree, const Routes& routes, const Cut& cut, std::vector<std::uint32_t> hosts);

  // The first path that leaves the slice's links or does not arrive; empty: none does.
  const std::string& problem() const { return problem_; }
  std::uint32_t ranks() const { return static_cast<std::uint32_t>(hosts_.size()); }
  // The most flows on one directed link when rank q sends to to[q] (to itself: to nobody).
  std::uint32_t worst(const std::vector<std::uint32_t>& to);
  std::uint32_t worst_of_shift(std::uint32_t by);  // rank q sends to q + by, modulo the ranks

 private:
  struct Path {  // up, up, down, down; `none` where there are fewer
    std::array<std::uint32_t, 4> links;
  };
  static constexpr std::uint32_t none = UINT32_MAX;
  Path walk(const Routes& routes, const Cut& cut, std::uint32_t from, std::uint32_t to);

  Tree tree_;
  std::vector<std::uint32_t> hosts_;
  std::vector<Path> paths_;           // from * ranks + to
  std::vector<std::uint32_t> loads_;  // by directed link; all 0 between calls
  std::string problem_;
};

}  // namespace weft::broker::fabric
