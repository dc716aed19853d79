// The acceptance probe of a slice: its nodes' workers measure the ways between them, on the slice's
// own links, before it is handed over and when it has come back. What is too slow at first, and may
// have met the slice's own traffic or a busy host, is measured again by itself.
#pragma once
#include "broker/core/tx.hpp"

namespace weft::broker {

// The slice was verified: measures it, then hands it over (hand_over in driving.hpp). One that is
// already measured goes on, on the same links.
void probe_before_use(Tx& tx, LeaseId lease, const std::string& verified);
// The slice's ranks are gone and its links not yet revoked: measures it if it was at the hand-over.
void probe_after_use(Tx& tx, LeaseId lease);
// The fabric must still hold this slice, although it is returning.
bool probed_at_return(const Tx& tx, LeaseId lease);
bool probe_is_of(const Tx& tx, LeaseId lease, const Links& links);
// The slice has become another, or somebody else's.
void end_probe(Tx& tx, LeaseId lease);

void probe_opened(Tx& tx, NodeId node, const ProbeOpened& said);
void probe_done(Tx& tx, NodeId node, const ProbeDone& said);
void probe_due(Tx& tx, LeaseId lease);

}  // namespace weft::broker
