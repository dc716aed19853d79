// Jobs, their attempts and the queue. Changes only by the functions that apply() calls, each with
// the fact of the same name. Ended jobs are kept up to limits::jobs_ended_kept; older ones are in
// the journal only. Thread: one.
#pragma once
#include <map>
#include <set>
#include <vector>

#include "broker/jobs/queue.hpp"
#include "broker/jobs/states.hpp"
#include "schemas/journal.hpp"

namespace weft::broker::jobs {

struct AttemptBook {
  Attempt attempt;
  std::uint32_t ranks_per_node = 1;
  std::set<NodeId> cleared;               // nothing of it is left there
  std::map<std::uint32_t, RankEnd> ends;  // by rank; kept for a job's newest attempt only

  std::uint32_t ranks() const {
    return static_cast<std::uint32_t>(attempt.nodes.size()) * ranks_per_node;
  }
  NodeId node_of(std::uint32_t rank) const { return attempt.nodes[rank / ranks_per_node]; }
  bool runs_on(NodeId node) const;                 // it was placed there and is not cleared
  std::uint32_t first_rank_on(NodeId node) const;  // the node must be one of its nodes
  bool every_rank_ended_on(NodeId node) const;
};

class Jobs {
 public:
  const std::map<JobId, Job>& all() const { return jobs_; }
  const std::map<AttemptId, AttemptBook>& attempts() const { return attempts_; }
  const std::set<AttemptId>& live_attempts() const { return live_attempts_; }
  const Queue& queue() const { return queue_; }
  // Jobs that wait for a lease that they name, in order.
  const std::map<LeaseId, std::set<QueueKey>>& on_lease() const { return on_lease_; }
  const std::set<JobId>& live() const { return live_; }
  const Job* find(JobId id) const;
  const Job& at(JobId id) const;
  const AttemptBook* find(AttemptId id) const;
  const AttemptBook& at(AttemptId id) const;
  const std::vector<AttemptId>& attempts_of(JobId job) const;
  const std::set<JobId>& of_account(const std::string& account) const;
  // The attempt that has, or may still have, processes on the node.
  AttemptId on_node(NodeId node) const;
  // The live attempt that uses the lease, or none.
  AttemptId using_lease(LeaseId lease) const;
  // The job that has the lease, or none: also between two attempts, while it waits to start again,
  // and when it has ended, until its last attempt has.
  JobId job_on(LeaseId lease) const;

  void submit(const Job& job);
  void move(const JobMoved& fact);
  void make(const Attempt& attempt);
  void move(const AttemptMoved& fact);
  void end(const RankEnded& fact);
  void clear(const NodeCleared& fact);

  void restore(const std::vector<Job>& jobs, const std::vector<Attempt>& attempts,
               const std::vector<Cleared>& cleared);

 private:
  void take_place(const Job& job);
  void enqueue(const Job& job);
  void dequeue(const Job& job);
  void index(const Job& job);
  void drop_oldest();
  std::map<JobId, Job> jobs_;
  std::map<AttemptId, AttemptBook> attempts_;
  std::set<AttemptId> live_attempts_;
  std::map<JobId, std::vector<AttemptId>> attempts_of_;
  std::map<std::string, std::set<JobId>> of_account_;
  std::map<NodeId, AttemptId> on_node_;
  std::map<LeaseId, AttemptId> using_lease_;
  std::map<LeaseId, JobId> holding_lease_;
  std::set<JobId> live_;
  std::set<std::pair<Instant, JobId>> ended_;
  Queue queue_;
  std::map<LeaseId, std::set<QueueKey>> on_lease_;
};

}  // namespace weft::broker::jobs
