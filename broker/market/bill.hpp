// A lease's bill, from its history. The sums are those of the postings, so a bill never shows what
// was not posted; a live lease's bill also shows its open segments.
#pragma once
#include "broker/fabric/nodes.hpp"
#include "broker/market/leases.hpp"
#include "schemas/replies.hpp"

namespace weft::broker::market {

LeaseBill bill_of(const LeaseBook& book, const fabric::Nodes& nodes, Instant now);

}  // namespace weft::broker::market
