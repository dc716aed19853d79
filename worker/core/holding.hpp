// One attempt that a worker holds, and the reports that follow from its state. Pure.
#pragma once
#include <map>
#include <set>

#include "worker/core/event.hpp"

namespace weft::worker {

struct RankTalk {  // a rank that has said hello over its connection
  bool connected = false;
  std::uint32_t blames = 0;  // forwarded so far
  Instant progress_after;    // earliest moment of the next report
  bool progress_waits = false;
  RankProgress progress;  // the newest
};

struct Held {
  Prepare order;
  bool known = false;  // its holder has told something about it
  bool prepared = false;
  Code code{};  // why it could not be prepared
  std::string detail;
  bool released = false, gone = false;
  bool go_asked = false;  // Go was passed on to the holder
  std::map<std::uint32_t, RankEnd> ended;
  std::vector<std::uint8_t> seed;
  bool seed_is_ours = false, seed_heard = false;  // rank 0 is here; the broker has it
  std::vector<Blame> peers;  // ended ranks, here and elsewhere, as told to the ranks here
  bool stopping = false;
  StopAttempt stop;
  std::map<std::uint32_t, RankTalk> talk;
  Instant repeat_at = never;  // of what was not acknowledged
  Duration repeat_after = limits::report_repeat;

  AttemptId id() const { return order.attempt; }
  std::uint32_t first_rank() const { return order.node_index * order.spec.ranks_per_node; }
  bool has_rank(std::uint32_t rank) const {
    return rank >= first_rank() && rank - first_rank() < order.spec.ranks_per_node;
  }
  bool alone() const { return order.gang.size() <= 1; }
};

// What Join says about it.
Holding to_holding(const Held& held);
// Every report that the broker has not acknowledged yet; `joined`: right after a Join, which
// already says what has ended.
std::vector<ReportBody> open_reports(const Held& held, bool joined);
// Why the other ranks of the gang should care that one ended. code none: it left with exit code 0.
Blame blame_of(const RankEnd& end, const std::string& node_name, NodeId node);

}  // namespace weft::worker
