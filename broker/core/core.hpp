// The broker's decisions, whole: fabric, market and jobs composed. Pure: same events at the same
// instants, same facts, effects and state; no clock, thread, file, socket, environment or
// unordered container. A copy is a checkpoint.
// Durable state changes only by apply(fact): step() decides facts and applies each as it goes;
// replay applies the facts of stored records. Sessions, tickets and waiting readers are soft: they
// are rebuilt from what workers and clients say after a restart, and are not in digest() or
// snapshot(). Thread: one (the broker's loop thread). Example: Step s = core.step(clock.now(),
// event); if (!s.facts.empty()) journal.append(...);
#pragma once
#include <memory>

#include "broker/core/event.hpp"
#include "broker/core/ground.hpp"

namespace weft::broker {

struct CoreConfig {
  Price price_default;        // of a price book with one line: base price per unit-hour
  std::uint32_t fee_bps = 0;  // house fee on what owners earn
  Duration heartbeat = limits::heartbeat_period;
  Duration silence_max = limits::heartbeat_silence_max;
  Duration recovery_grace = limits::recovery_grace;
  Duration prepare_time_max = limits::prepare_time_max;
  Duration stop_grace = limits::stop_grace;
  std::shared_ptr<const Ground> ground;  // none: every node is one hop from every other
};

class Core {
 public:
  explicit Core(CoreConfig config);
  ~Core();
  Core(const Core&);
  Core& operator=(const Core&);

  [[nodiscard]] Step step(Instant now, const Event& event);
  // When to call step(TimePassed) at the latest; `never` if nothing is due.
  [[nodiscard]] Instant next_timer() const;

  // Replay, before Began: a snapshot (optional), then every record after it, in order.
  void restore(const Snapshot& snapshot);
  void replay(const JournalRecord& record);

  [[nodiscard]] Snapshot snapshot(Seq seq) const;
  [[nodiscard]] Digest digest() const;

  // The promises that hold between any two steps (docs/ARCHITECTURE.md); the first one broken, in
  // words, or empty. The broker checks a sample of steps, tests check all.
  [[nodiscard]] std::string broken_invariant() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What Core::digest() is of the core that gave this snapshot: to be computed elsewhere, because
// hashing a large state takes a while. Thread: any.
[[nodiscard]] Digest state_digest(Snapshot snapshot);

}  // namespace weft::broker
