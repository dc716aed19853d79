// Sessions of workers, and what workers report.
#pragma once
#include "broker/core/tx.hpp"

namespace weft::broker {

void on_report(Tx& tx, SessionId session, const KeyEntry& key, const Envelope& envelope);
void session_closed(Tx& tx, SessionId session);
void sessions_alive(Tx& tx, const std::vector<SessionId>& sessions);
// After a start or the loss of a gateway nobody is declared dead for a while.
void grace_for_all(Tx& tx);
void silence_due(Tx& tx, NodeId node, Instant due);
// A node's worker is gone: silent for too long, or its key was revoked.
void node_gone(Tx& tx, NodeId node, NodeState state, const std::string& detail);

}  // namespace weft::broker
