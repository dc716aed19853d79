// The shell's starts and deaths.
#include <algorithm>

#include "base/planted.hpp"
#include "tests/sim/audit.hpp"
#include "tests/sim/fabric.hpp"
#include "tests/sim/net.hpp"
#include "tests/sim/shell.hpp"
#include "tests/sim/world.hpp"

namespace weft::sim {

namespace {

KeyEntry operator_key() {
  KeyEntry key;
  key.principal = principal_of(operator_number);
  key.role = Role::operator_;
  key.name = "operator";
  key.account = "house";
  return key;
}

}  // namespace

void Shell::rebuild() {
  core_ = std::make_unique<broker::Core>(world_.plan.core);
  Seq from{1};
  if (store_.snapshot() && (random_.chance(500) || planted(203))) {
    core_->restore(*store_.snapshot());
    from.value = store_.snapshot()->seq.value + 1;
    world_.coverage.hit(Branch::restart_snapshot);
  } else if (store_.durable().value > 0) {
    world_.coverage.hit(Branch::restart_records);
  }
  for (; from <= store_.durable(); ++from.value) core_->replay(store_.record(from));
}

void Shell::start() {
  if (running_) return;
  ++life_;
  if (!core_) rebuild();
  const auto& plan = world_.plan;
  if (plan.clock_step_max.ms != 0 && crashes_ > 0 && world_.hostile() && random_.chance(500)) {
    const Duration step = random_.span(-plan.clock_step_max.ms, plan.clock_step_max.ms);
    wall_ = wall_ + step;
    world_.coverage.hit(step.ms < 0 ? Branch::clock_back : Branch::clock_forward);
  }
  // As the shell does it: wall clock at the start, but never before the last record, and from there
  // on the monotonic clock alone.
  Instant begin = world_.now() + wall_;
  if (store_.durable().value > 0) begin = std::max(begin, store_.record(store_.durable()).at);
  offset_ = begin - world_.now();
  last_ledger_ = begin;
  const Epoch epoch = store_.raise_epoch(!planted(202));
  world_.trace("broker starts, epoch {}, {} records", epoch.value, store_.durable().value);
  running_ = gate_[0] = gate_[1] = true;
  up_since_ = world_.now();
  feed(broker::Began{epoch, "simulated", {operator_key()}}, {}, {});
  world_.fabric->broker_started();
  if (world_.hostile() && random_.chance(plan.crash_at_commit)) {
    const std::uint64_t life = life_;
    world_.at(random_.span(0, 20), [this, life] {
      if (life == life_) crash(Branch::crash_in_start);
    });
  }
}

void Shell::crash(Branch why) {
  if (!running_ || world_.failed()) return;
  world_.coverage.hit(why);
  ++crashes_;
  ++life_;
  ++timer_;
  running_ = false;
  const Digest live = core_->digest();
  const Seq before = store_.durable();
  const bool survives = store_.committing() && random_.chance(500);
  if (survives) world_.coverage.hit(Branch::batch_survived);
  const std::vector<JournalRecord> lost = store_.crash(survives);
  if (!lost.empty()) world_.coverage.hit(Branch::records_lost);
  for (Seq seq{before.value + 1}; seq <= store_.durable(); ++seq.value)
    world_.audit->record(store_.record(seq));
  world_.trace("broker is killed ({}), {} records lost",
               branch_names[static_cast<std::size_t>(why)], lost.size());
  held_.clear();
  open_requests_.clear();
  answered_.clear();
  world_.net->gateway_gone(false);
  world_.net->gateway_gone(true);
  rebuild();
  compare_with_lost(lost, live);
  Duration down = random_.span(20, 4'000);
  if (world_.hostile() && random_.chance(60)) {
    down = random_.span(60'000, 120'000);
    world_.coverage.hit(Branch::long_outage);
  }
  const std::uint64_t life = life_;
  world_.at(down, [this, life] {
    if (life == life_) start();
  });
}

// The broker that did not crash is the shadow: its records, replayed, must lead to its state.
void Shell::compare_with_lost(const std::vector<JournalRecord>& lost, const Digest& live) {
  broker::Core shadow(*core_);
  for (const JournalRecord& record : lost) shadow.replay(record);
  if (shadow.digest() != live)
    world_.fail("2: replay of all records does not give the state of the broker that wrote them");
  if (std::string broken = core_->broken_invariant(); !broken.empty())
    world_.fail("the core says after replay: " + broken);
}

void Shell::lose_gateway(bool workers) {
  if (!listening(workers)) return;
  world_.coverage.hit(Branch::gateway_lost);
  world_.trace("the gateway of {} is lost", workers ? "workers" : "clients");
  const std::vector<SessionId> sessions = world_.net->gateway_gone(workers);
  for (const SessionId session : sessions)
    std::erase_if(open_requests_,
                  [session](const auto& entry) { return entry.first.first == session; });
  gate_[workers ? 1 : 0] = false;
  feed(broker::GatewayLost{sessions}, {}, {});
  const std::uint64_t life = life_;
  world_.at(random_.span(50, 1'000), [this, life, workers] {
    if (life == life_) gate_[workers ? 1 : 0] = true;
  });
}

}  // namespace weft::sim
