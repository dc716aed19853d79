// The decisions of a holder: the ranks of one attempt on one node, from fork to the last process
// gone. Pure. A holder obeys its worker, and the lease deadline by its own clock when the worker is
// dead or the broker silent. Nothing before the deadline is stopped because somebody is silent.
//
//   setup -> forked -> prepared -> released -> (stopping) -> gone
//
// A rank that ended before Go never ran: not_started. One that TERM or KILL of a stop ended:
// stopped. When the last rank has ended, whatever it left behind is killed; gone means that nothing
// is left. Thread: one.
#pragma once
#include <optional>
#include <set>

#include "schemas/holder.hpp"
#include "worker/core/event.hpp"

namespace weft::worker::hold {

// ---- events
struct Begin {};  // directories, logs and cgroup are there
struct CanNot {   // or they are not; also: the setup script failed, a fork failed
  Code code{};
  std::string detail;
};
struct SetupEnded {};  // with exit code 0
struct Forked {
  std::vector<HeldRank> ranks;  // rank, pid, started
};
struct RankReady {  // it waits for Go and could find its program
  std::uint32_t rank = 0;
};
struct RankUnfit {  // before Go: it can't enter its directory, find its program, ...
  std::uint32_t rank = 0;
  Code code{};
  std::string detail;
};
struct ExecFailed {  // after Go
  std::uint32_t rank = 0;
  std::string detail;
};
struct RankExited {
  std::uint32_t rank = 0;
  bool killed = false;  // by signal `status`; else exit code `status`
  std::int32_t status = 0;
  bool out_of_memory = false;
};
struct Asked {
  HolderOrderBody body;
};
struct TreeEmpty {};  // no process of the attempt is left
struct TimePassed {};
using Event = std::variant<Begin, CanNot, SetupEnded, Forked, RankReady, RankUnfit, ExecFailed,
                           RankExited, Asked, TreeEmpty, TimePassed>;

// ---- effects
enum class Act : std::uint8_t {
  run_setup,   // the setup script, as the job's user
  fork_ranks,  // up to the pipe
  publish,     // the state to disk, then to the worker
  release,     // let the ranks exec
  term,        // SIGTERM to the process group of each rank
  kill_tree,   // SIGKILL to every process of the attempt; repeated until none is left
  finish,      // remove traces, exit
};
struct Signal {
  std::int32_t rank = -1;
  std::uint32_t number = 0;
  bool operator==(const Signal&) const = default;
};
using Effect = std::variant<Act, Signal>;
using Effects = std::vector<Effect>;

class Hold {
 public:
  // deadline: on the clock of `now`.
  Hold(const Prepare& order, Instant deadline);

  [[nodiscard]] Effects step(Instant now, const Event& event);
  [[nodiscard]] Instant next_timer() const;
  [[nodiscard]] const HolderState& state() const { return state_; }
  HolderState& described() { return state_; }  // boot, pid and cgroup are the shell's to fill in

 private:
  void on(const Begin&);
  void on(const CanNot& e);
  void on(const SetupEnded&);
  void on(const Forked& e);
  void on(const RankReady& e);
  void on(const RankUnfit& e);
  void on(const ExecFailed& e);
  void on(const RankExited& e);
  void on(const Asked& e);
  void on(const TreeEmpty&);
  void on(const TimePassed&);

  void go(const HolderGo& order);
  void stop(Duration leave, Duration grace);
  void release();
  void kill();
  void act(Act what) { out_.emplace_back(what); }
  HeldRank* rank(std::uint32_t number);
  bool all_ended() const;

  HolderState state_;
  bool has_setup_ = false;
  std::set<std::uint32_t> ready_;
  std::optional<HolderGo> go_;  // came before all were ready
  bool termed_ = false, killing_ = false;
  Instant term_at_ = never, kill_at_ = never;
  Instant now_;
  Effects out_;
};

inline constexpr Duration kill_again = milliseconds(10);  // a fork may have escaped the last sweep

}  // namespace weft::worker::hold
