// A gang runs whole or not at all: prepared everywhere, then GO; one bad end stops all.
#pragma once
#include "broker/core/tx.hpp"

namespace weft::broker {

// A new attempt of a job on a lease: journaled, then Prepare to every node.
void launch(Tx& tx, JobId job, LeaseId lease);
Prepare prepare_order(const Tx& tx, const jobs::AttemptBook& book, NodeId node);
StopAttempt stop_order(const Tx& tx, const jobs::AttemptBook& book);
Go go_order(const Tx& tx, const jobs::AttemptBook& book);

void node_prepared(Tx& tx, AttemptId attempt, NodeId node);
// GO, when every node is prepared and the slice is delivered.
void go_when_ready(Tx& tx, AttemptId attempt);
// Before GO: nothing of user code has run. Who was in the way, and through which fault.
void abort_launch(Tx& tx, AttemptId attempt, const Blame& blame);
void rank_ended(Tx& tx, AttemptId attempt, const RankEnd& end);
void node_cleared(Tx& tx, AttemptId attempt, NodeId node);
// The attempt must end: all its workers are told who is to blame.
void stop_attempt(Tx& tx, AttemptId attempt, Outcome outcome, Cause cause, const Blame& blame);
// Processes of the attempt on this node are lost, or cannot be heard of.
void gang_lost_node(Tx& tx, AttemptId attempt, const Node& node, Code code,
                    const std::string& detail, Instant since);
// Ends the attempt if nothing of it can be left on a node that is heard of.
void end_if_over(Tx& tx, AttemptId attempt);

void accuse(Tx& tx, const RankBlames& says);
void blame_timer(Tx& tx, AttemptId attempt);
void repeat_orders(Tx& tx, AttemptId attempt);
void repeat_orders_to(Tx& tx, AttemptId attempt, NodeId node);

// ---- jobs (broker/core/job_flow.cpp)
// What becomes of a job when its attempt is over.
enum class Fate : std::uint8_t { finish, restart_here, requeue };
Fate fate_of(const Tx& tx, const Job& job, const Attempt& attempt);
void attempt_over(Tx& tx, JobId job, AttemptId attempt);
void cancel(Tx& tx, JobId job);
void retry(Tx& tx, JobId job);
void give_up_waiting(Tx& tx, JobId job);
void end_jobs_waiting_for(Tx& tx, LeaseId lease);
// Moves a job; what is not named stays as it is.
struct JobMove {
  JobState state{};
  Cause cause{};
  std::string text{};
  std::int32_t exit_code = 0;
  Instant retry_at{};
  std::optional<LeaseId> lease{};
  std::optional<std::uint32_t> restarts{};
};
void move_job(Tx& tx, JobId job, JobMove move);
void lease_due(Tx& tx, LeaseId lease);
void attempt_due(Tx& tx, AttemptId attempt);

}  // namespace weft::broker
