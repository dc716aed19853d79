// The decisions of a worker: session and epoch, the attempts that it holds, what it reports and
// repeats. Pure: no clock, process, file or socket; same events at the same instants, same effects.
// Ends of ranks and deadlines are found by the holders (worker/core/hold.hpp), which live on when
// the worker dies; here is what the broker and the ranks are told about them. Thread: one.
#pragma once
#include "worker/core/holding.hpp"

namespace weft::worker {

class Worker {
 public:
  [[nodiscard]] Effects step(Instant now, const Event& event);
  // When to call step(TimePassed) at the latest; `never` if nothing is due.
  [[nodiscard]] Instant next_timer() const;
  [[nodiscard]] Epoch epoch() const { return epoch_; }
  [[nodiscard]] const Held* find(AttemptId attempt) const;

 private:
  void on(const Began& e);
  void on(const Adopted& e);
  void on(const LinkUp& e);
  void on(const LinkDown& e);
  void on(const OrderCame& e);
  void on(const HolderTold& e);
  void on(const RankSaid& e);
  void on(const RankHungUp& e);
  void on(const ProbeSaid& e);
  void on(const TimePassed& e);
  void on(const LeaveAsked& e);

  void obey(const std::monostate&);
  void obey(const Welcome& order);
  void obey(const Prepare& order);
  void obey(const Go& order);
  void obey(const MeshSeed& order);
  void obey(const PeerEnded& order);
  void obey(const StopAttempt& order);
  void obey(const Forget& order);
  void obey(const SignalRanks& order);
  void obey(const FetchLog& order);
  void obey(const ProbeOpen& order) { out_.push_back(TellProbe{order}); }
  void obey(const ProbeRun& order) { out_.push_back(TellProbe{order}); }
  void obey(const ProbeEnd& order) { out_.push_back(TellProbe{order}); }
  void obey(const Dismissed& order);

  Result<void> acceptable(const Prepare& order) const;
  void hello(Held& held, std::uint32_t rank, const RankHello& hello);
  void blames(Held& held, std::uint32_t rank, RankBlames report);
  void progress(Held& held, std::uint32_t rank, const RankProgress& report);
  void tell_ranks(const Held& held, const RankHearsBody& body);
  void peer_ended(Held& held, const Blame& who);
  void stop(Held& held, const StopAttempt& order);
  void report_ends(Held& held, const std::vector<RankEnd>& ended);
  void repeat_later(Held& held);
  void answer_unknown(AttemptId attempt);
  void never_again(AttemptId attempt);
  void leave_when_empty();
  Held* held(AttemptId attempt);
  void send(ReportBody body);
  void note(Note::Level level, std::string text);

  Instant now_;
  Effects out_;
  Epoch epoch_;
  std::string node_name_;
  NodeId node_;  // told by Welcome
  Inventory inventory_;
  bool linked_ = false, leaving_ = false;
  Instant leave_at_ = never;  // exit then, whether or not the broker has heard all
  std::map<AttemptId, Held> held_;
  std::set<AttemptId> forgotten_;  // said to be gone: never launched (again)
};

}  // namespace weft::worker
