// The nodes of the fleet and what each of them has done with its time.
// Changes only by facts (the put/meter/hold/release functions are called from apply). Every node
// has exactly one open segment (Node::meter since Node::since); closed segments are summed by class
// in its NodeBook, so that billed + idle + owner + credited = capacity can be checked in integers.
// Thread: one.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "schemas/journal.hpp"

namespace weft::broker::fabric {

struct ClosedSegment {  // what a NodeMetered closed
  NodeId node;
  LeaseId lease;  // whose time it was, when billed or credited
  MeterClass meter{};
  Cause cause{};
  Instant from, to;
  std::uint32_t units = 0;
};

// The order in which people count names: n2 before n10 (numbers by value, the rest by byte).
struct NameOrder {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const;
};

class Nodes {
 public:
  const std::map<NodeId, Node>& all() const { return nodes_; }
  const std::map<std::string, NodeId, NameOrder>& by_name() const { return by_name_; }
  // The order of ranks on a slice. Ids follow who joined first, which nobody can foresee.
  std::vector<NodeId> in_name_order(std::vector<NodeId> nodes) const;
  const Node* find(NodeId id) const;
  const Node* find(std::string_view name) const;
  const Node* find(const Principal& principal) const;
  const Node& at(NodeId id) const;
  const NodeBook& book(NodeId id) const;
  std::uint32_t owner_index(const Node& node) const;
  const std::string& owner_name(std::uint32_t index) const { return owners_[index]; }
  bool superseded(NodeId id, Incarnation incarnation) const;

  void put(const Node& node);  // meter, since and lease of a known node are kept
  ClosedSegment meter(const NodeMetered& fact);
  void hold(NodeId id, LeaseId lease);
  void release(NodeId id, LeaseId lease);

  void restore(const std::vector<Node>& nodes, const std::vector<NodeBook>& books);
  std::vector<Node> list() const;
  std::vector<NodeBook> books() const;
  // The first node whose time does not add up at `now`, in words; empty if none.
  std::string unbalanced(Instant now) const;

 private:
  void index(const Node& node);
  std::map<NodeId, Node> nodes_;
  std::map<NodeId, NodeBook> books_;
  std::map<std::string, NodeId, NameOrder> by_name_;
  std::map<Principal, NodeId> by_principal_;
  std::vector<std::string> owners_;
  std::map<std::string, std::uint32_t, std::less<>> owner_index_;
};

// GPUs, or 1 for a node that has none.
std::uint32_t units_of(const Inventory& inventory);

}  // namespace weft::broker::fabric
