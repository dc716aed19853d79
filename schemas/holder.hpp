// What a worker and the holder of an attempt say to each other (SOCK_SEQPACKET, one message a
// packet), and what a holder leaves on disk. A holder is a small process of the worker's: parent of
// the ranks of one attempt on one node. It outlives the worker, so that no exit status and no
// deadline is lost when the worker is killed. It always tells its whole state: nothing depends on
// one message arriving.
#pragma once
#include "schemas/worker.hpp"

namespace weft {

struct HeldRank {
  std::uint32_t rank = 0;
  std::uint32_t pid = 0;      // 0: never forked
  std::uint64_t started = 0;  // clock ticks since boot; pid and this name a process for certain
  RankState state{};
  std::int32_t status = 0;  // exit code, or signal number when killed or stopped
  bool out_of_memory = false;
  std::string detail;  // why it was not started
  bool operator==(const HeldRank&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("rank", s.rank);
    v("pid", s.pid);
    v("started", s.started);
    v("state", s.state);
    v("status", s.status);
    v("out_of_memory", s.out_of_memory);
    v("detail", s.detail, 255);
  }
};
struct HolderState {  // to the worker, and in attempts/ID/state
  AttemptId attempt;
  std::string boot;       // boot id of the machine: after a reboot nothing of it lives
  std::uint32_t pid = 0;  // of the holder
  bool prepared =
      false;    // all ranks are forked and wait, and could be started as far as one can see
  Code code{};  // why it could not be prepared
  std::string detail;
  bool released = false;  // Go was obeyed
  bool stopping = false;
  bool gone = false;   // no process of the attempt is left here
  Instant deadline;    // end of the lease, CLOCK_BOOTTIME of this boot
  std::string cgroup;  // its path; empty: none
  std::vector<HeldRank> ranks;
  WEFT_MESSAGE(HolderState, "holder_state")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("attempt", s.attempt);
    v("boot", s.boot, 63);
    v("pid", s.pid);
    v("prepared", s.prepared);
    v("code", s.code);
    v("detail", s.detail, limits::text_bytes_max);
    v("released", s.released);
    v("stopping", s.stopping);
    v("gone", s.gone);
    v("deadline", s.deadline);
    v("cgroup", s.cgroup, limits::text_bytes_max);
    v("ranks", s.ranks, limits::ranks_per_node_max);
  }
};

struct HolderGo {       // let the ranks run; a repeated one counts once
  Duration lease_left;  // 0: keep the deadline that was given at the launch
  WEFT_MESSAGE(HolderGo, "holder_go")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("lease_left", s.lease_left);
  }
};
struct HolderSignal {
  std::int32_t rank = -1;  // -1: every rank here
  std::uint32_t signal = 0;
  WEFT_MESSAGE(HolderSignal, "holder_signal")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("rank", s.rank);
    v("signal", s.signal);
  }
};
struct HolderStop {  // wait `leave`, then TERM, wait `grace`, then KILL the whole tree
  Duration leave, grace;
  WEFT_MESSAGE(HolderStop, "holder_stop")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("leave", s.leave);
    v("grace", s.grace);
  }
};
using HolderOrderBody = std::variant<std::monostate, HolderGo, HolderSignal, HolderStop>;
struct HolderOrder {
  static constexpr const char* name = "holder_order";
  HolderOrderBody body;
  bool operator==(const HolderOrder&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v.choice(s.body);
  }
};

}  // namespace weft
