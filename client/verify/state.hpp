// What a Verifier knows while it reads. Internal to client/verify.
#pragma once
#include <fmt/format.h>

#include <map>
#include <set>

#include "client/verify/amounts.hpp"
#include "client/verify/verifier.hpp"

namespace weft::client {

struct NodeTime {  // one node's meter
  std::string name;
  std::uint32_t units = 0;
  bool open = false;  // its first segment has begun
  MeterClass meter{};
  Cause cause{};
  LeaseId lease;  // of the open segment, when billed or credited
  Instant since, first;
  Int128 by_class[4] = {};  // closed unit-ms, by MeterClass
  Int128 capacity = 0;  // unit-ms from first to the end of the last closed segment, added up apart
  Instant capacity_until;
  LeaseId held_by;  // live lease that has it; 0: none
};

struct Verifier::State {
  explicit State(Scope s) : scope(s) {}

  void problem(const std::string& what);
  void record(const StoredRecord& stored);
  void facts(const JournalRecord& record);

  void on(const EpochBegan& f);
  void on(const NodePut& f);
  void on(const NodeMetered& f);
  void on(const LeaseGranted& f);
  void on(const LeaseMoved& f);
  void on(const Posted& f);
  void on(const JobSubmitted& f);
  void on(const JobMoved& f);
  void on(const AttemptMade& f);
  void on(const AttemptMoved& f);
  template <class Other>
  void on(const Other&) {}

  void close_segment(NodeTime& node, NodeId id, Instant at);
  void post_meter(VerifiedLease& lease, const Posted& f);
  void check_totals(const VerifiedLease& lease);
  void check_new_id(const char* kind, std::uint64_t& last, std::uint64_t id);
  VerifiedLease* lease_of(LeaseId id, const char* what);

  Scope scope;
  Report report;
  Seq at_seq;  // of the record being read
  Instant at;
  Epoch epoch;
  std::map<NodeId, NodeTime> nodes;
  std::map<LeaseId, RunningSums> sums;
  std::map<JobId, JobState> jobs;
  std::map<AttemptId, AttemptState> attempts;
  std::set<LeaseId> unsettled;  // metered since their last posting
  std::uint64_t last_job = 0, last_lease = 0, last_attempt = 0, last_posting = 0;
};

// Who pays for credited time: the owner for its hardware, the house for weft's own faults.
constexpr bool owner_pays(Cause cause) {
  return cause == Cause::node_lost || cause == Cause::link_lost;
}

}  // namespace weft::client
