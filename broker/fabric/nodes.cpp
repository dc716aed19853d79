#include "broker/fabric/nodes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.hpp"
#include "base/planted.hpp"

namespace weft::broker::fabric {

std::uint32_t units_of(const Inventory& inventory) {
  return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(inventory.gpus.size()));
}

bool NameOrder::operator()(std::string_view a, std::string_view b) const {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto number = [&](std::string_view text,
                          std::size_t at) {  // digits, leading zeros left out
    std::size_t end = at;
    while (end < text.size() && digit(text[end])) ++end;
    while (at + 1 < end && text[at] == '0') ++at;
    return std::pair(text.substr(at, end - at), end);
  };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (digit(a[i]) && digit(b[j])) {
      const auto [left, left_end] = number(a, i);
      const auto [right, right_end] = number(b, j);
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
      i = left_end, j = right_end;
    } else if (a[i] != b[j]) {
      return a[i] < b[j];
    } else {
      ++i, ++j;
    }
  }
  if (i < a.size() || j < b.size()) return j < b.size();
  return a < b;  // n1 and n01
}

std::vector<NodeId> Nodes::in_name_order(std::vector<NodeId> nodes) const {
  std::sort(nodes.begin(), nodes.end(),
            [this](NodeId a, NodeId b) { return NameOrder{}(at(a).name, at(b).name); });
  return nodes;
}

const Node* Nodes::find(NodeId id) const {
  const auto it = nodes_.find(id);
  return it == nodes_.end() ? nullptr : &it->second;
}
const Node* Nodes::find(std::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : find(it->second);
}
const Node* Nodes::find(const Principal& principal) const {
  const auto it = by_principal_.find(principal);
  return it == by_principal_.end() ? nullptr : find(it->second);
}
const Node& Nodes::at(NodeId id) const {
  const Node* node = find(id);
  WEFT_ASSERT(node, fmt::format("node {}", id.value));
  return *node;
}
const NodeBook& Nodes::book(NodeId id) const {
  const auto it = books_.find(id);
  WEFT_ASSERT(it != books_.end(), fmt::format("node {}", id.value));
  return it->second;
}
std::uint32_t Nodes::owner_index(const Node& node) const {
  return owner_index_.find(node.owner)->second;
}
bool Nodes::superseded(NodeId id, Incarnation incarnation) const {
  const auto& past = book(id).superseded;
  return std::find(past.begin(), past.end(), incarnation) != past.end();
}

void Nodes::index(const Node& node) {
  by_name_[node.name] = node.id;
  by_principal_[node.principal] = node.id;
  const auto [it, fresh] =
      owner_index_.try_emplace(node.owner, static_cast<std::uint32_t>(owners_.size()));
  if (fresh) owners_.push_back(node.owner);
}

void Nodes::put(const Node& node) {
  const auto known = nodes_.find(node.id);
  if (known == nodes_.end()) {
    NodeBook book;
    book.node = node.id;
    book.enrolled_at = book.units_since = node.since;
    books_[node.id] = book;
    nodes_[node.id] = node;
  } else {
    Node& old = known->second;
    NodeBook& book = books_[node.id];
    if (old.incarnation != node.incarnation) {
      book.superseded.push_back(old.incarnation);
      if (book.superseded.size() > limits::incarnations_kept)
        book.superseded.erase(book.superseded.begin());
    }
    if (old.units != node.units) {  // its open segment was cut at this instant
      book.capacity += static_cast<std::int64_t>(old.units) * (old.since - book.units_since).ms;
      book.units_since = old.since;
    }
    Node next = node;
    next.meter = old.meter;
    next.since = old.since;
    next.lease = old.lease;
    if (old.principal != node.principal) by_principal_.erase(old.principal);
    old = std::move(next);
  }
  index(node);
}

ClosedSegment Nodes::meter(const NodeMetered& fact) {
  Node& node = nodes_.find(fact.node)->second;
  NodeBook& book = books_[fact.node];
  WEFT_ASSERT(fact.at >= node.since,
              fmt::format("segment of node {} would end before it began", node.name));
  const ClosedSegment closed{node.id,    node.lease, node.meter, book.cause,
                             node.since, fact.at,    node.units};
  const std::int64_t amount = static_cast<std::int64_t>(node.units) * (fact.at - node.since).ms;
  switch (node.meter) {
    case MeterClass::idle: book.idle += amount; break;
    case MeterClass::billed: book.billed += amount; break;
    case MeterClass::owner: book.owner += amount; break;
    case MeterClass::credited: book.credited += amount; break;
  }
  node.meter = fact.meter;
  node.since = planted(8) ? fact.at + milliseconds(1) : fact.at;
  book.cause = fact.cause;
  return closed;
}

void Nodes::hold(NodeId id, LeaseId lease) {
  Node& node = nodes_.find(id)->second;
  WEFT_ASSERT(!node.lease,
              fmt::format("node {} is in lease {} already", node.name, node.lease.value));
  node.lease = lease;
}
void Nodes::release(NodeId id, LeaseId lease) {
  Node& node = nodes_.find(id)->second;
  if (node.lease == lease) node.lease = {};
}

void Nodes::restore(const std::vector<Node>& nodes, const std::vector<NodeBook>& books) {
  *this = {};
  for (const Node& node : nodes) {
    nodes_[node.id] = node;
    index(node);
  }
  for (const NodeBook& book : books) books_[book.node] = book;
}
std::vector<Node> Nodes::list() const {
  std::vector<Node> out;
  for (const auto& [id, node] : nodes_) out.push_back(node);
  return out;
}
std::vector<NodeBook> Nodes::books() const {
  std::vector<NodeBook> out;
  for (const auto& [id, book] : books_) out.push_back(book);
  return out;
}

std::string Nodes::unbalanced(Instant now) const {
  for (const auto& [id, node] : nodes_) {
    const NodeBook& b = book(id);
    const std::int64_t open = static_cast<std::int64_t>(node.units) * (now - node.since).ms;
    const std::int64_t capacity =
        b.capacity + static_cast<std::int64_t>(node.units) * (now - b.units_since).ms;
    const std::int64_t sum = b.billed + b.idle + b.owner + b.credited + open;
    if (sum != capacity)
      return fmt::format("node {}: billed + idle + owner + credited = {}, capacity = {} unit-ms",
                         node.name, sum, capacity);
  }
  return {};
}

}  // namespace weft::broker::fabric
