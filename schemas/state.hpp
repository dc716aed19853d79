// The objects that the broker keeps: plain values, the same in memory, in snapshots, in facts of
// the journal and in replies to clients.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "schemas/enums.hpp"
#include "schemas/job.hpp"

namespace weft {

struct Inventory {          // what a worker found on its node
  std::uint32_t cores = 0;  // usable by ranks
  std::uint64_t memory_bytes = 0;
  std::vector<std::string> nics;
  std::vector<std::string> gpus;  // model names, one per device
  std::string host;
  std::string address;  // where its ranks can be reached by other nodes' ranks
  std::string version;  // of the worker program
  bool operator==(const Inventory&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("cores", s.cores);
    v("memory_bytes", s.memory_bytes);
    v("nics", s.nics, 64);
    v("gpus", s.gpus, limits::gpus_per_node_max);
    v("host", s.host, 255);
    v("address", s.address, 255);
    v("version", s.version, limits::name_bytes_max);
  }
};

struct KeyEntry {
  Principal principal;
  Role role{};
  std::string name;     // unique; a worker's node name, a person's login
  std::string account;  // who pays or earns
  bool revoked = false;
  bool operator==(const KeyEntry&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("principal", s.principal);
    v("role", s.role);
    v("name", s.name, limits::name_bytes_max);
    v("account", s.account, limits::name_bytes_max);
    v("revoked", s.revoked);
  }
};

struct Node {
  NodeId id;
  std::string name, owner;  // owner: account of the key that joined it
  Principal principal;
  Incarnation incarnation;
  NodeState state{};
  Inventory inventory;
  std::uint32_t units = 1;  // GPUs, or 1
  LeaseId lease;            // the live lease that holds it; 0: none
  MeterClass meter{};       // class of the open segment
  Instant since;            // start of the open segment
  bool operator==(const Node&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("id", s.id);
    v("name", s.name, limits::name_bytes_max);
    v("owner", s.owner, limits::name_bytes_max);
    v("principal", s.principal);
    v("incarnation", s.incarnation);
    v("state", s.state);
    v("inventory", s.inventory);
    v("units", s.units);
    v("lease", s.lease);
    v("meter", s.meter);
    v("since", s.since);
  }
};

struct Offer {
  OfferId id;
  std::string owner;
  std::vector<NodeId> nodes;
  Price floor;
  Duration notice;      // given before a reclaim; 0: only firm leases
  Instant from, until;  // until `never`: open end
  OfferState state{};
  bool operator==(const Offer&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("id", s.id);
    v("owner", s.owner, limits::name_bytes_max);
    v("nodes", s.nodes, limits::workers_max);
    v("floor", s.floor);
    v("notice", s.notice);
    v("from", s.from);
    v("until", s.until);
    v("state", s.state);
  }
};

struct SliceLeaf {
  std::uint32_t leaf = 0;
  std::uint64_t hosts = 0;  // bits, by slot
  std::uint64_t up = 0;     // bits, by index of the L2 switch: uplinks
  bool operator==(const SliceLeaf&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("leaf", s.leaf);
    v("hosts", s.hosts);
    v("up", s.up);
  }
};
struct SliceL2 {
  std::uint32_t l2 = 0;  // pod * L2 switches of a pod + index
  std::uint64_t up = 0;  // bits, by spine: uplinks
  bool operator==(const SliceL2&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("l2", s.l2);
    v("up", s.up);
  }
};
struct Links {  // hosts and links of the fabric, the same on every rail
  std::vector<SliceLeaf> leaves;
  std::vector<SliceL2> l2;
  bool operator==(const Links&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("leaves", s.leaves, limits::fabric_switches_max);
    v("l2", s.l2, limits::fabric_switches_max);
  }
};
struct Slice {  // of a lease, and named by its number
  SliceState state{};
  std::uint16_t shape = 0;  // fabric::Shape
  bool enforced = false;    // by the fabric; else only recorded in the books
  std::uint32_t key = 0;    // P_Key without the membership bit; 0: the fabric has none
  Links links;
  Instant at;        // of the newest state
  std::string text;  // what the state follows from, for people
  bool operator==(const Slice&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("state", s.state);
    v("shape", s.shape);
    v("enforced", s.enforced);
    v("key", s.key);
    v("links", s.links);
    v("at", s.at);
    v("text", s.text, limits::text_bytes_max);
  }
};
struct PairMeasure {  // one way between two nodes of a slice: places in its lease's list of nodes
  std::uint32_t from = 0, to = 0;
  std::uint64_t latency_ns = 0;     // half of the fastest round trip of an empty message; 0: none
  std::uint64_t bandwidth_bps = 0;  // as it arrived, in bits a second; 0: none
  bool operator==(const PairMeasure&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("from", s.from);
    v("to", s.to);
    v("latency_ns", s.latency_ns);
    v("bandwidth_bps", s.bandwidth_bps);
  }
};
struct Spread {  // over pairs, one way each
  std::uint64_t least = 0, median = 0, most = 0;
  bool operator==(const Spread&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("least", s.least);
    v("median", s.median);
    v("most", s.most);
  }
};
struct Certificate {  // what an acceptance probe found on a slice
  LeaseId lease;
  bool at_return = false;  // after the last rank, to compare; else at the hand-over
  bool measured = false;   // false: `text` says why not
  bool passed = false;
  Instant at;
  Duration took;
  std::uint64_t pairs = 0;                 // measured, one way each
  std::uint64_t bandwidth_needed_bps = 0;  // by every pair; 0: nothing to compare with
  Spread latency_ns, bandwidth_bps;
  std::vector<PairMeasure> slowest;  // all of them where there are not many, slowest first
  std::string text;
  bool operator==(const Certificate&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("lease", s.lease);
    v("at_return", s.at_return);
    v("measured", s.measured);
    v("passed", s.passed);
    v("at", s.at);
    v("took", s.took);
    v("pairs", s.pairs);
    v("bandwidth_needed_bps", s.bandwidth_needed_bps);
    v("latency_ns", s.latency_ns);
    v("bandwidth_bps", s.bandwidth_bps);
    v("slowest", s.slowest, limits::certificate_pairs_max);
    v("text", s.text, limits::text_bytes_max);
  }
};
struct FabricState {  // what is not rented: it is down, or it did not do what was asked of it
  Links failed, quarantined;
  bool operator==(const FabricState&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("failed", s.failed);
    v("quarantined", s.quarantined);
  }
};

struct Quote {
  QuoteId id;
  std::string account;
  std::vector<NodeId> nodes;  // reserved while open
  Price price;
  std::uint32_t units = 0;  // over all nodes
  Duration term, notice;
  Instant expires_at;
  QuoteState state{};
  LeaseId lease;  // once accepted
  Slice slice;    // reserved while open
  bool operator==(const Quote&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("id", s.id);
    v("account", s.account, limits::name_bytes_max);
    v("nodes", s.nodes, limits::nodes_per_job_max);
    v("price", s.price);
    v("units", s.units);
    v("term", s.term);
    v("notice", s.notice);
    v("expires_at", s.expires_at);
    v("state", s.state);
    v("lease", s.lease);
    v("slice", s.slice);
  }
};

struct Lease {
  LeaseId id;
  QuoteId quote;
  JobId job;  // the job it was rented for; 0: by hand
  std::string account, owner;
  std::vector<NodeId> nodes;  // in node-index order
  Price price;
  std::uint32_t units = 0;
  std::uint32_t fee_bps = 0;  // house fee, pinned at the quote
  Duration term, notice;
  Instant granted_at, active_at, ends_at, closed_at;
  LeaseState state{};
  Cause cause{};
  Money escrow;  // set aside at the grant
  Slice slice;
  bool operator==(const Lease&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("id", s.id);
    v("quote", s.quote);
    v("job", s.job);
    v("account", s.account, limits::name_bytes_max);
    v("owner", s.owner, limits::name_bytes_max);
    v("nodes", s.nodes, limits::nodes_per_job_max);
    v("price", s.price);
    v("units", s.units);
    v("fee_bps", s.fee_bps);
    v("term", s.term);
    v("notice", s.notice);
    v("granted_at", s.granted_at);
    v("active_at", s.active_at);
    v("ends_at", s.ends_at);
    v("closed_at", s.closed_at);
    v("state", s.state);
    v("cause", s.cause);
    v("escrow", s.escrow);
    v("slice", s.slice);
  }
};

struct RankEnd {  // how one rank ended
  std::uint32_t rank = 0;
  RankState state{};
  std::int32_t status = 0;  // exit code, or signal number when killed
  bool out_of_memory = false;
  std::string last_lines;  // the end of its output
  bool operator==(const RankEnd&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("rank", s.rank);
    v("state", s.state);
    v("status", s.status);
    v("out_of_memory", s.out_of_memory);
    v("last_lines", s.last_lines, limits::last_lines_bytes_max);
  }
};

struct Blame {  // who ended an attempt, why, how we know
  Code code{};  // none: nobody is to blame
  std::uint32_t rank = 0;
  NodeId node;
  std::string node_name;
  std::int32_t status = 0;
  std::string detail;  // evidence, in words
  std::string last_lines;
  bool operator==(const Blame&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("code", s.code);
    v("rank", s.rank);
    v("node", s.node);
    v("node_name", s.node_name, limits::name_bytes_max);
    v("status", s.status);
    v("detail", s.detail, limits::text_bytes_max);
    v("last_lines", s.last_lines, limits::last_lines_bytes_max);
  }
};

struct Attempt {  // one launch of the gang
  AttemptId id;
  JobId job;
  LeaseId lease;
  std::uint32_t number = 1;  // 1 is the first launch
  std::uint32_t generation = 1;
  std::vector<NodeId> nodes;  // rank r runs on nodes[r / ranks_per_node]
  AttemptState state{};
  Outcome outcome{};
  Cause cause{};
  Blame blame;
  std::uint32_t ranks_ended = 0;
  Instant made_at, go_at, ended_at;
  bool operator==(const Attempt&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("id", s.id);
    v("job", s.job);
    v("lease", s.lease);
    v("number", s.number);
    v("generation", s.generation);
    v("nodes", s.nodes, limits::nodes_per_job_max);
    v("state", s.state);
    v("outcome", s.outcome);
    v("cause", s.cause);
    v("blame", s.blame);
    v("ranks_ended", s.ranks_ended);
    v("made_at", s.made_at);
    v("go_at", s.go_at);
    v("ended_at", s.ended_at);
  }
};

struct TimelineEntry {
  Instant at;
  std::string text;
  bool operator==(const TimelineEntry&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("at", s.at);
    v("text", s.text, limits::text_bytes_max);
  }
};

struct Job {
  JobId id;
  std::string account;
  Principal principal;  // who submitted it
  JobSpec spec;
  JobState state{};
  Cause cause{};  // why it is stopping or has ended
  Instant submitted_at, started_at, ended_at;
  LeaseId lease;      // current or last
  AttemptId attempt;  // current or last
  std::uint32_t attempts = 0, restarts = 0;
  Instant retry_at;  // back-off: not before this
  std::int32_t exit_code = 0;
  std::vector<TimelineEntry> timeline;
  bool operator==(const Job&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("id", s.id);
    v("account", s.account, limits::name_bytes_max);
    v("principal", s.principal);
    v("spec", s.spec);
    v("state", s.state);
    v("cause", s.cause);
    v("submitted_at", s.submitted_at);
    v("started_at", s.started_at);
    v("ended_at", s.ended_at);
    v("lease", s.lease);
    v("attempt", s.attempt);
    v("attempts", s.attempts);
    v("restarts", s.restarts);
    v("retry_at", s.retry_at);
    v("exit_code", s.exit_code);
    v("timeline", s.timeline, limits::timeline_entries_max);
  }
};

struct Account {
  std::string name;
  Money cash, escrow, earned;
  bool operator==(const Account&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("name", s.name, limits::name_bytes_max);
    v("cash", s.cash);
    v("escrow", s.escrow);
    v("earned", s.earned);
  }
};

}  // namespace weft
