// A rail as a graph of switches joined by ports: what tables for switches, direct routes and an
// ibsim file are made from. A switch has a number: leaves first, then L2 switches, then spines.
// Thread: any. Errors: none.
#pragma once
#include <cstdint>
#include <vector>

#include "broker/fabric/model/fabric.hpp"
#include "broker/fabric/routes/routes.hpp"

namespace weft::broker::fabric {

std::uint32_t switch_count(const Tree& tree);  // places, there or not
std::uint32_t number_of(const Tree& tree, At at);
At at_number(const Tree& tree, std::uint32_t number);
const Switch& switch_at(const Rail& rail, At at);
// Of a hop at that switch; 0: none.
std::uint8_t port_of(const Rail& rail, At at, Hop hop);
// The reverse; `none` for a port that leads nowhere in the model.
Hop hop_of(const Rail& rail, At at, std::uint8_t port);

struct Edge {
  std::uint8_t port = 0;     // of this switch
  std::uint32_t to = 0;      // number of the switch at the other end
  std::uint8_t to_port = 0;  // of that switch
};

class PortGraph {
 public:
  // Only links that are free in `present` (present() of the model, less what has failed).
  PortGraph(const Rail& rail, const Masks& present);

  const std::vector<Edge>& edges(std::uint32_t number) const { return edges_[number]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(edges_.size()); }
  // Hops from every switch to that one; UINT32_MAX: no way. Breadth first.
  std::vector<std::uint32_t> distances(std::uint32_t to) const;

 private:
  void join(const Rail& rail, At below, std::uint32_t up, At above, std::uint32_t down);
  std::vector<std::vector<Edge>> edges_;  // by port
};

}  // namespace weft::broker::fabric
