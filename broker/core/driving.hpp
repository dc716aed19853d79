// Between the parts that deal with the fabric driver; see broker/core/slices.hpp.
#pragma once
#include "broker/core/tx.hpp"

namespace weft::broker {

// Shall the fabric hold it?
bool to_be_there(const Slice& slice);
void put_slice(Tx& tx, LeaseId lease, SliceState state, std::string text);
// Verified, and measured where that is wanted: gangs may use it, and it is billed.
void hand_over(Tx& tx, LeaseId lease, const std::string& text);
// Out of sale, with its hosts and links, until an operator says otherwise; its lease ends.
void quarantine(Tx& tx, LeaseId lease, const std::string& text);
// The driver has seen something that nobody asked for.
void fabric_changed(Tx& tx, const FabricChanged& change);

}  // namespace weft::broker
