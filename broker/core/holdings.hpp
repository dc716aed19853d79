// What a worker holds against what it should hold: nothing depends on a message arriving once.
#pragma once
#include "broker/core/tx.hpp"

namespace weft::broker {

// At Join: orders that are state are given again, what ended meanwhile is taken in, what is unknown
// here is stopped. What is missing is lost only by the first Join of a session: a repeated one may
// have crossed an order of this session, which the worker had not received when it wrote it.
void compare_holdings(Tx& tx, NodeId node, const std::vector<Holding>& holdings, bool first);
// A lease that was credited for this node is complete again and has no gang that must restart.
void resume_lease(Tx& tx, NodeId node);

void prepared(Tx& tx, NodeId node, const Prepared& says);
void rank_gone(Tx& tx, NodeId node, AttemptId attempt, const RankEnd& end);
void attempt_gone(Tx& tx, NodeId node, AttemptId attempt);
void mesh_seed(Tx& tx, NodeId node, const MeshSeed& seed);
void progress(Tx& tx, NodeId node, const RankProgress& says);

}  // namespace weft::broker
