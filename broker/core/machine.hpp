// The core's whole state: what the journal rebuilds, and what workers and clients tell again.
// A plain value: a copy is a checkpoint.
#pragma once
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "broker/core/core.hpp"
#include "broker/core/durable.hpp"
#include "broker/core/rentable.hpp"
#include "broker/core/timers.hpp"

namespace weft::broker {

struct Worker {              // the session of a node's worker
  SessionId session;         // 0: not connected
  std::uint64_t joined = 0;  // sequence of the newest Join of this incarnation
  Instant heard;
  Instant quarantined_until;  // it could not launch: not used before
  std::set<AttemptId>
      strangers;  // held by it, unknown here: the node is not clean before they are gone
};

struct Launch {  // what is known of a live attempt but not journaled
  std::set<NodeId> prepared;
  std::uint32_t repeats = 0;  // of Go
  Instant stopping_at;
  std::vector<RankBlames> accused;
  std::map<NodeId, Instant>
      gone_early;  // said to be gone although ranks of it have not been heard to end
  MeshSeed seed;   // address empty: not known
};

struct Waiter {  // a request that is answered later
  enum class For : std::uint8_t { job, events, log, bill } what{};
  SessionId session;
  Principal principal;
  RequestKey key;
  JobId job;  // 0: any
  Seq after;
  std::uint32_t count_max = 0;
  ReadLog log;
  Instant until;
};

struct Ticket {  // a piece of a log that a worker was asked for
  SessionId session;
  Principal principal;
  RequestKey key;
  NodeId node;
  FetchLog fetch;
};

struct VisibleEvent {
  EventLine line;
  std::string account, owner;  // who may see it besides operators
  JobId job;
  bool everybody = false;
};

struct Plan {         // what the last look at the queue found
  bool dirty = true;  // resources or the head have changed since
  JobId head;         // the first job that waits for something that will come; 0: none
  Instant head_at;    // when it can start
};

struct Probe {               // of a slice, under way
  std::uint64_t ticket = 0;  // 0: to begin again when its timer is due
  bool at_return = false;
  Instant started;
  Links links;                                     // that it is of
  std::string verified;                            // what the driver found, at a hand-over
  std::string trouble;                             // why it has not come to an end so far
  std::vector<std::vector<std::uint8_t>> address;  // by place in the lease's list of nodes
  std::set<std::uint32_t> awaited;                 // places whose answer is missing
  std::uint32_t run = 0;                           // 0: opening; 1: all; then one way alone each
  std::map<std::pair<std::uint32_t, std::uint32_t>, PairMeasure> measures;
  std::uint64_t needed_bps = 0;                               // by every way; set by the run of all
  std::deque<std::pair<std::uint32_t, std::uint32_t>> alone;  // ways to measure again
  std::set<std::pair<std::uint32_t, std::uint32_t>> was_alone;  // all that were ever in it
};

struct Driving {           // what the fabric driver was asked
  bool here = false;       // it is running
  bool dirty = false;      // the fabric differs from what the leases say
  bool all = false;        // verify everything: nobody knows what the fabric holds
  bool unknown = true;     // and until then no gang starts
  bool asked_all = false;  // the order under way verifies everything
  std::uint64_t ticket = 0, next_ticket = 1;  // under way; 0: none
  std::set<LeaseId> asked;                    // slices in the order under way
  std::set<LeaseId> fresh;                    // those of them that are to be verified
  std::map<LeaseId, std::uint32_t> tries;
  std::uint32_t failures = 0;  // in a row: the driver could not do it at all
  struct Check {
    SessionId session;
    RequestKey key;
    LeaseId lease;
  };
  std::deque<Check> checks;  // waiting; the first may be under way
  bool checking = false;     // the order under way is a check
  Instant next_remark;       // of the driver, that may be journaled
  std::map<LeaseId, Probe> probes;
  std::uint64_t next_probe = 1;
};

struct Soft {
  Instant started_at;
  std::string version;
  std::map<SessionId, Principal> sessions;
  std::map<SessionId, NodeId> session_nodes;
  std::map<NodeId, Worker> workers;
  std::map<AttemptId, Launch> launches;
  std::map<AttemptId, std::map<std::uint32_t, RankProgress>> progress;
  Timers timers;
  std::uint64_t next_wait = 1, next_ticket = 1, next_job_planted = 1;
  std::map<std::uint64_t, Waiter> waiters;
  std::map<JobId, std::set<std::uint64_t>> waiting_on_job;
  std::set<std::uint64_t> waiting_on_events;
  std::map<std::uint64_t, Ticket> tickets;
  std::deque<VisibleEvent> events;
  Plan plan;
  RentableNodes rentable;
  Driving driving;
  std::uint64_t facts = 0;  // applied so far: what the cached digest is of
  std::uint64_t digest_of_facts = UINT64_MAX;
  Digest digest;
};

struct Machine {
  CoreConfig config;
  Durable durable;
  Soft soft;
};

struct Core::State {
  Machine machine;
};

}  // namespace weft::broker
