// Which nodes can be given out, kept up to date node by node: a step looks again only at the nodes
// that it has touched, however large the fleet is.
#pragma once
#include <set>
#include <vector>

#include "broker/fabric/place.hpp"

namespace weft::broker {

struct Machine;

struct Rentable {               // a node that is up and has an open offer
  fabric::Candidate candidate;  // free_at is set when it is asked for
  bool free = false;            // its worker is here, it holds nothing, nobody has it
  Instant busy_until;           // otherwise; an estimate
  Duration least;               // and not before this from now
};

class RentableNodes {
 public:
  void touch(NodeId node) { stale_.insert(node); }
  void refresh(const Machine& machine, Instant now);
  // The three below are of the last refresh.
  std::size_t free_count() const { return free_count_; }
  std::vector<fabric::Candidate> free() const;
  std::vector<fabric::Candidate> fleet(Instant now) const;

 private:
  std::vector<Rentable> nodes_;  // ascending by node
  std::set<NodeId> stale_;
  std::size_t free_count_ = 0;
};

// Is the node's worker here, with nothing of any attempt left on the node?
bool clean(const Machine& machine, NodeId node);

}  // namespace weft::broker
