// The broker's shell as the simulation has it: feeds events to the real core, journals the facts of
// a step as one record, holds its effects until the record is durable, and can be killed at every
// point of that. What it checks by itself: the core's invariants after each step, one reply a
// request, no spinning timer, replay gives the state of the broker that did not crash.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <set>

#include "broker/core/core.hpp"
#include "tests/sim/coverage.hpp"
#include "tests/sim/store.hpp"

namespace weft::sim {

class World;

// The keys of a simulated world are numbers in disguise.
inline constexpr std::uint32_t operator_number = 1;
inline Principal principal_of(std::uint32_t number) {
  Principal principal;
  for (int i = 0; i < 4; ++i) principal.data[i] = static_cast<std::uint8_t>(number >> (8 * i));
  principal.data[31] = 0x5a;
  return principal;
}

class Shell {
 public:
  explicit Shell(World& world);
  ~Shell();
  void start();
  void crash(Branch why);
  void lose_gateway(bool workers);

  void message(SessionId session, const Principal& principal, Envelope envelope, Blob raw);
  void closed(SessionId session);
  void alive();
  void driver(const broker::Event& event);

  [[nodiscard]] bool running() const { return running_; }
  [[nodiscard]] Instant up_since() const { return running_ ? up_since_ : never; }
  [[nodiscard]] bool listening(bool workers) const { return running_ && gate_[workers ? 1 : 0]; }
  [[nodiscard]] bool quiet() const;  // everything durable and released
  [[nodiscard]] Instant ledger_now() const;
  [[nodiscard]] const broker::Core* core() const { return core_.get(); }
  [[nodiscard]] const Store& store() const { return store_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] std::uint64_t crashes() const { return crashes_; }
  [[nodiscard]] std::string unanswered() const;  // of sessions that still live

 private:
  struct Held {
    Seq after;
    broker::Effect effect;
  };
  void feed(const broker::Event& event, const Principal& principal, const Blob& raw);
  void append(Instant now, std::vector<FactBox> facts, const Principal& principal, const Blob& raw);
  void check(const broker::Step& step);
  void check_repeat(const broker::MessageCame& came, const broker::Step& step);
  void arm_commit();
  void committed();
  void release();
  void carry_out(const broker::Effect& effect);
  void serve_journal(const broker::ServeJournal& request);
  void arm_timer();
  void timer();
  void rebuild();  // from the store, as a start does
  void compare_with_lost(const std::vector<JournalRecord>& lost, const Digest& live);
  void maybe_snapshot();

  World& world_;
  Random random_;
  Store store_;
  std::unique_ptr<broker::Core> core_;
  std::deque<Held> held_;
  std::map<std::pair<SessionId, RequestKey>, int> open_requests_;
  std::set<std::pair<Principal, RequestKey>> answered_;  // in this life, durable or not yet
  std::uint64_t life_ = 0;   // counts starts and crashes: what was planned in another one is void
  std::uint64_t timer_ = 0;  // the newest armed timer
  std::uint64_t steps_ = 0, crashes_ = 0;
  Instant last_ledger_{}, spin_at_{};
  Duration offset_{};                     // ledger time less ideal time, of this process
  Duration wall_ = hours(24 * 365 * 56);  // wall clock less ideal time; stepped at some restarts
  int spins_ = 0;
  bool running_ = false, releasing_ = false;
  Instant up_since_{};
  bool gate_[2] = {true, true};  // the gateways of clients and of workers
};

}  // namespace weft::sim
