#include "broker/market/bill.hpp"

#include <algorithm>

namespace weft::broker::market {

LeaseBill bill_of(const LeaseBook& book, const fabric::Nodes& nodes, Instant now) {
  LeaseBill bill;
  bill.lease = book.lease;
  for (const MeteredSpan& s : book.spans)
    bill.segments.push_back(
        {s.node, nodes.at(s.node).name, s.meter, s.from, s.to, s.cause, s.units});
  for (const NodeId id : book.lease.nodes) {
    const Node& node = nodes.at(id);
    if (node.lease != book.lease.id) continue;
    if (node.meter != MeterClass::billed && node.meter != MeterClass::credited) continue;
    if (now <= node.since) continue;
    bill.segments.push_back(
        {id, node.name, node.meter, node.since, now, nodes.book(id).cause, node.units});
  }
  std::stable_sort(bill.segments.begin(), bill.segments.end(),
                   [](const Segment& a, const Segment& b) {
                     return std::tie(a.node, a.from) < std::tie(b.node, b.from);
                   });
  bill.postings = book.postings;
  bill.gross = book.posted.gross;
  bill.credits = book.posted.credit_owner + book.posted.credit_house;
  bill.net = bill.gross - bill.credits;
  bill.fee = book.posted.fee;
  return bill;
}

}  // namespace weft::broker::market
