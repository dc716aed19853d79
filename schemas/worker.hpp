// What workers and the broker say to each other. A report repeats until the broker's order (or
// Forget) shows that it was heard: nothing here depends on a message arriving exactly once. Every
// order carries the broker's epoch in its envelope; a worker persists the highest epoch that it has
// seen before it obeys the first order of it, and refuses lower ones. Every report carries the
// worker process's incarnation.
#pragma once
#include <variant>

#include "schemas/replies.hpp"

namespace weft {

// ---- reports, worker -> broker
struct RankReport {
  std::uint32_t rank = 0;
  bool ended = false;
  RankEnd end;
  bool operator==(const RankReport&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("rank", s.rank);
    v("ended", s.ended);
    v("end", s.end);
  }
};
struct Holding {  // an attempt that the worker holds, running or ended and not yet forgotten
  AttemptId attempt;
  bool released = false;  // Go was obeyed
  bool gone = false;      // no process of it is left
  std::vector<RankReport> ranks;
  std::vector<std::uint8_t> seed;  // address of rank 0, when it is here and has said hello
  bool operator==(const Holding&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("released", s.released);
    v("gone", s.gone);
    v("ranks", s.ranks, limits::ranks_per_node_max);
    v("seed", s.seed, limits::rank_address_bytes_max);
  }
};
struct Join {  // first message of every session
  std::string node_name;
  Epoch epoch_seen;  // highest so far
  Inventory inventory;
  std::vector<Holding> holdings;
  WEFT_MESSAGE(Join, "join")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("node_name", s.node_name, limits::name_bytes_max);
    v("epoch_seen", s.epoch_seen);
    v("inventory", s.inventory);
    v("holdings", s.holdings, 1'024);
  }
};
WEFT_EMPTY_MESSAGE(Beat, "beat")  // every limits::heartbeat_period; ends at the gateway
struct Prepared {  // the attempt's ranks are forked here and wait for Go; or they can't be
  AttemptId attempt;
  Code code{};  // none: prepared
  std::string detail;
  WEFT_MESSAGE(Prepared, "prepared")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("code", s.code);
    v("detail", s.detail, limits::text_bytes_max);
  }
};
struct RankGone {
  AttemptId attempt;
  RankEnd end;
  WEFT_MESSAGE(RankGone, "rank_gone")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("end", s.end);
  }
};
struct AttemptGone {  // no process of the attempt is left here and its traces are removed
  AttemptId attempt;
  WEFT_MESSAGE(AttemptGone, "attempt_gone")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
  }
};
struct MeshSeed {  // where rank 0 can be reached: from the worker that has it, then to all others
  AttemptId attempt;
  std::uint32_t generation = 1;
  std::vector<std::uint8_t> address;
  WEFT_MESSAGE(MeshSeed, "mesh_seed")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("generation", s.generation);
    v("address", s.address, limits::rank_address_bytes_max);
  }
};
struct RankBlames {  // a rank's transport says that another rank failed it
  AttemptId attempt;
  std::uint32_t generation = 1, reporter = 0, culprit = 0;
  Code code{};
  std::string detail;
  WEFT_MESSAGE(RankBlames, "rank_blames")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("generation", s.generation);
    v("reporter", s.reporter);
    v("culprit", s.culprit);
    v("code", s.code);
    v("detail", s.detail, limits::text_bytes_max);
  }
};
struct RankProgress {  // not journaled; the newest is shown by `weft show`
  AttemptId attempt;
  std::uint32_t rank = 0;
  std::uint64_t step = 0;
  std::string text;
  WEFT_MESSAGE(RankProgress, "rank_progress")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("rank", s.rank);
    v("step", s.step);
    v("text", s.text, 255);
  }
};
struct LogPiece {  // answer to FetchLog
  std::uint64_t ticket = 0;
  Code code{};
  std::string detail;
  LogChunk chunk;
  WEFT_MESSAGE(LogPiece, "log_piece")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("ticket", s.ticket);
    v("code", s.code);
    v("detail", s.detail, limits::text_bytes_max);
    v("chunk", s.chunk);
  }
};
struct Fenced {  // an order of a lower epoch was refused
  Epoch mine;
  WEFT_MESSAGE(Fenced, "fenced")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("mine", s.mine);
  }
};

struct ProbeOpened {  // answer to ProbeOpen
  std::uint64_t ticket = 0;
  Code code{};  // not none: no probe is possible here
  std::string detail;
  std::vector<std::uint8_t> address;  // of its UCX worker
  WEFT_MESSAGE(ProbeOpened, "probe_opened")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("ticket", s.ticket);
    v("code", s.code);
    v("detail", s.detail, limits::text_bytes_max);
    v("address", s.address, limits::probe_address_bytes_max);
  }
};
struct ProbeDone {  // answer to ProbeRun
  std::uint64_t ticket = 0;
  std::uint32_t run = 1;
  std::vector<PairMeasure> measures;  // from this node
  WEFT_MESSAGE(ProbeDone, "probe_done")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("ticket", s.ticket);
    v("run", s.run);
    v("measures", s.measures, limits::probe_turns_max);
  }
};

using ReportBody =
    std::variant<std::monostate, Join, Beat, Prepared, RankGone, AttemptGone, MeshSeed, RankBlames,
                 RankProgress, LogPiece, Fenced, ProbeOpened, ProbeDone>;
struct Report {
  static constexpr const char* name = "report";
  ReportBody body;
  bool operator==(const Report&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v.choice(s.body);
  }
};

// ---- orders, broker -> worker
struct Welcome {
  NodeId node;
  Duration heartbeat;
  Duration reconnect_max;  // cap of the full-jitter delay
  WEFT_MESSAGE(Welcome, "welcome")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("node", s.node);
    v("heartbeat", s.heartbeat);
    v("reconnect_max", s.reconnect_max);
  }
};
struct GangNode {
  std::string node_name, address;
  bool operator==(const GangNode&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("node_name", s.node_name, limits::name_bytes_max);
    v("address", s.address, 255);
  }
};
struct Prepare {  // repeated until Prepared; the same attempt twice is one
  AttemptId attempt;
  JobId job;
  LeaseId lease;
  std::string account;
  std::uint32_t attempt_number = 1, restarts = 0, generation = 1;
  std::uint32_t node_index = 0;  // ranks node_index*ranks_per_node .. are here
  std::vector<GangNode> gang;    // all nodes, by index
  JobSpec spec;
  Duration lease_left;  // the worker ends the attempt by its own clock after this
  WEFT_MESSAGE(Prepare, "prepare")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("job", s.job);
    v("lease", s.lease);
    v("account", s.account, limits::name_bytes_max);
    v("attempt_number", s.attempt_number);
    v("restarts", s.restarts);
    v("generation", s.generation);
    v("node_index", s.node_index);
    v("gang", s.gang, limits::nodes_per_job_max);
    v("spec", s.spec);
    v("lease_left", s.lease_left);
  }
};
struct Go {  // all are prepared: let the ranks run. A repeated Go counts once
  AttemptId attempt;
  Duration
      lease_left;  // from here on; takes the place of Prepare's, whose clock began before the term
  WEFT_MESSAGE(Go, "go")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("lease_left", s.lease_left);
  }
};
struct PeerEnded {  // tell the ranks here that a rank of the gang has ended, well or badly
  AttemptId attempt;
  Blame who;
  WEFT_MESSAGE(PeerEnded, "peer_ended")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("who", s.who);
  }
};
struct StopAttempt {  // fail what is pending with `blame`, then TERM, then after grace KILL
  AttemptId attempt;
  Cause cause{};
  Blame blame;
  Duration grace;
  WEFT_MESSAGE(StopAttempt, "stop_attempt")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("cause", s.cause);
    v("blame", s.blame);
    v("grace", s.grace);
  }
};
struct Forget {  // AttemptGone was journaled: drop the holding (its logs stay readable)
  AttemptId attempt;
  WEFT_MESSAGE(Forget, "forget")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
  }
};
struct SignalRanks {
  AttemptId attempt;
  std::int32_t rank = -1;
  std::uint32_t signal = 0;
  WEFT_MESSAGE(SignalRanks, "signal_ranks")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("rank", s.rank);
    v("signal", s.signal);
  }
};
struct FetchLog {
  std::uint64_t ticket = 0;
  AttemptId attempt;
  std::uint32_t rank = 0;
  bool errors = false;
  std::uint64_t offset = 0;
  std::uint32_t bytes_max = 0;
  Duration wait;
  WEFT_MESSAGE(FetchLog, "fetch_log")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("ticket", s.ticket);
    v("attempt", s.attempt);
    v("rank", s.rank);
    v("errors", s.errors);
    v("offset", s.offset);
    v("bytes_max", s.bytes_max);
    v("wait", s.wait);
  }
};
struct Dismissed {  // this session is over: superseded by a newer incarnation, revoked, not a
                    // worker
  Code code{};
  std::string detail;
  WEFT_MESSAGE(Dismissed, "dismissed")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("code", s.code);
    v("detail", s.detail, limits::text_bytes_max);
  }
};

struct ProbeOpen {  // a probe process, with what the slice tells its ranks; until ProbeEnd
  std::uint64_t ticket = 0;
  std::uint32_t nodes = 0;  // of the slice
  std::vector<KeyValue> environment;
  WEFT_MESSAGE(ProbeOpen, "probe_open")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("ticket", s.ticket);
    v("nodes", s.nodes);
    v("environment", s.environment, limits::list_max);
  }
};
struct ProbePeer {
  std::uint32_t index = 0;
  std::vector<std::uint8_t> address;
  bool operator==(const ProbePeer&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("index", s.index);
    v("address", s.address, limits::probe_address_bytes_max);
  }
};
struct ProbeRun {  // one turn after the other: measure the way to a peer while another measures us
  std::uint64_t ticket = 0;
  std::uint32_t run = 1;  // of this ticket
  std::uint32_t index = 0;
  std::vector<ProbePeer> peers;         // those that the turns name
  std::vector<std::uint32_t> to, from;  // a turn each; UINT32_MAX: nobody
  Duration each;                        // of sending, in one turn
  WEFT_MESSAGE(ProbeRun, "probe_run")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("ticket", s.ticket);
    v("run", s.run);
    v("index", s.index);
    v("peers", s.peers, 2 * limits::probe_turns_max);
    v("to", s.to, limits::probe_turns_max);
    v("from", s.from, limits::probe_turns_max);
    v("each", s.each);
  }
};
struct ProbeEnd {
  std::uint64_t ticket = 0;
  WEFT_MESSAGE(ProbeEnd, "probe_end")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("ticket", s.ticket);
  }
};

using OrderBody =
    std::variant<std::monostate, Welcome, Prepare, Go, MeshSeed, PeerEnded, StopAttempt, Forget,
                 SignalRanks, FetchLog, Dismissed, ProbeOpen, ProbeRun, ProbeEnd>;
struct Order {
  static constexpr const char* name = "order";
  OrderBody body;
  bool operator==(const Order&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v.choice(s.body);
  }
};

}  // namespace weft
