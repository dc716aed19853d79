// The life of a lease and the meter of its nodes, as facts.
#pragma once
#include "broker/core/tx.hpp"

namespace weft::broker {

// What a slice costs at most; refused above limits::money_max.
Result<Money> escrow_for(const fabric::Placement& placement, Duration term);

// Facts of a new lease: granted, escrow set aside. The caller has checked cash.
LeaseId grant(Tx& tx, const fabric::Placement& placement, const std::string& account, JobId job,
              QuoteId quote, Duration term);
// GO: a lease that was preparing becomes active; all its nodes are billed from now.
void start_billing(Tx& tx, LeaseId lease);
// The gang's time is credited from `from` on (not before the open segments began).
void credit(Tx& tx, LeaseId lease, Cause cause, Instant from);
// It shall end. Nodes that no attempt holds leave the meter now; finishes at once when none does.
void close_lease(Tx& tx, LeaseId lease, Cause cause);
// A node of a closing lease has nothing left on it: its meter stops.
void node_back(Tx& tx, LeaseId lease, NodeId node);
// Ends a closing lease that no attempt uses any more; it is closed once the fabric has let go of
// it.
void finish_lease(Tx& tx, LeaseId lease);
void close_returned(Tx& tx, LeaseId lease);
// The end of the term: no second beyond it is metered, cleared or not.
void stop_meter(Tx& tx, LeaseId lease, Instant at);
// Posts what the lease's time has come to since the last posting.
void post(Tx& tx, LeaseId lease);
// Gives an unleased node the class and units that it should have.
void settle_node(Tx& tx, NodeId node);
// Offers that are closing end with the last quote and lease on their nodes.
void settle_offers(Tx& tx, const std::vector<NodeId>& nodes);
// A full hour: cut and post everything that is being metered.
void post_hour(Tx& tx);
// The reservation is of no use any more: its nodes are free.
void end_quote(Tx& tx, const Quote& quote, QuoteState state);

void set_meter(Tx& tx, NodeId node, MeterClass meter, LeaseId lease, Instant at, Cause cause);

}  // namespace weft::broker
