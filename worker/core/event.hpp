// What happens to a worker, and what it wants done. The worker's core is step(now, event) ->
// effects; `now` is the worker's own clock (milliseconds, CLOCK_BOOTTIME in the shell). The shell
// carries the effects of a step out in their order and does not go on after one that failed:
// StoreEpoch stands before everything that obeys the order which brought the epoch.
#pragma once
#include <string>
#include <variant>
#include <vector>

#include "schemas/holder.hpp"
#include "schemas/rank.hpp"

namespace weft::worker {

// ---- events
struct Began {  // once, before any other
  Epoch epoch;  // the highest ever seen, from disk
  std::string node_name;
  Inventory inventory;
  std::vector<AttemptId>
      forgotten;  // attempts that ended here earlier and are never launched again
};
struct Adopted {  // an attempt found on disk at the start; HolderTold follows
  Prepare order;
};
struct LinkUp {};  // a new session: Join goes first
struct LinkDown {};
struct OrderCame {
  Epoch epoch;
  OrderBody body;
};
struct HolderTold {  // the attempt's holder, or what it left on disk
  AttemptId attempt;
  bool prepared = false;
  Code code{};  // not none: it could not be prepared
  std::string detail;
  bool released = false, gone = false;
  std::vector<RankEnd> ended;  // all that have ended so far, with their last lines
};
struct RankSaid {  // the shell has checked that the speaker is that rank
  AttemptId attempt;
  std::uint32_t rank = 0;
  RankSaysBody body;
};
struct RankHungUp {  // its connection closed; says nothing about the rank
  AttemptId attempt;
  std::uint32_t rank = 0;
};
struct ProbeSaid {  // a probe process that TellProbe opened, or could not be
  ReportBody body;
};
struct TimePassed {};  // the shell calls at next_timer()
struct LeaveAsked {};  // SIGTERM: stop the attempts with grace, then exit

using Event = std::variant<Began, Adopted, LinkUp, LinkDown, OrderCame, HolderTold, RankSaid,
                           RankHungUp, ProbeSaid, TimePassed, LeaveAsked>;

// ---- effects
struct StoreEpoch {  // durable when done, else the process must end
  Epoch epoch;
  bool operator==(const StoreEpoch&) const = default;
};
struct SendReport {  // dropped while there is no link: Join tells all
  ReportBody body;
  bool operator==(const SendReport&) const = default;
};
struct Launch {  // make a holder for the attempt
  Prepare order;
  bool operator==(const Launch&) const = default;
};
struct TellHolder {
  AttemptId attempt;
  HolderOrderBody body;
  bool operator==(const TellHolder&) const = default;
};
struct TellRank {  // over its connection
  AttemptId attempt;
  std::uint32_t rank = 0;
  RankHearsBody body;
  bool operator==(const TellRank&) const = default;
};
struct ServeLog {
  FetchLog order;
  bool operator==(const ServeLog&) const = default;
};
struct TellProbe {  // of a slice: ProbeOpen, ProbeRun or ProbeEnd
  OrderBody body;
  bool operator==(const TellProbe&) const = default;
};
struct DropAttempt {  // forgotten: only its logs stay
  AttemptId attempt;
  bool operator==(const DropAttempt&) const = default;
};
struct SetPace {  // from Welcome
  Duration heartbeat, reconnect_max;
  bool operator==(const SetPace&) const = default;
};
struct Exit {
  int code = 0;
  std::string reason;
  bool operator==(const Exit&) const = default;
};
struct Note {  // for the log
  enum class Level : std::uint8_t { info, warn, error } level{};
  std::string text;
  bool operator==(const Note&) const = default;
};

using Effect = std::variant<StoreEpoch, SendReport, Launch, TellHolder, TellRank, ServeLog,
                            TellProbe, DropAttempt, SetPace, Exit, Note>;
using Effects = std::vector<Effect>;

}  // namespace weft::worker
