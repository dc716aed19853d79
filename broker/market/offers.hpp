// Offers: an owner's statement that these nodes can be rented in this window, at no less than this
// floor, with this notice. At most one live offer covers a node at any instant.
// Changes only by put() (from apply). Thread: one.
#pragma once
#include <map>
#include <set>
#include <vector>

#include "broker/market/states.hpp"
#include "schemas/state.hpp"

namespace weft::broker::market {

class Offers {
 public:
  const std::map<OfferId, Offer>& all() const { return offers_; }
  const Offer* find(OfferId id) const;
  // The open offer of a node, or null: a node without one is its owner's.
  const Offer* open_for(NodeId node) const;
  // Scheduled, open, paused or closing offers that name the node.
  std::vector<OfferId> live_for(NodeId node) const;
  // A live offer (not closing) on one of `nodes` whose window meets [from, until), or null.
  const Offer* overlapping(const std::vector<NodeId>& nodes, Instant from, Instant until) const;
  bool any_floor_above_zero() const;

  void put(const Offer& offer);

 private:
  std::map<OfferId, Offer> offers_;
  std::map<NodeId, std::set<OfferId>> live_;
  std::map<NodeId, OfferId> open_;
};

}  // namespace weft::broker::market
