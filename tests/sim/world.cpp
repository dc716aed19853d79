#include "tests/sim/world.hpp"

#include <algorithm>

#include "tests/sim/audit.hpp"
#include "tests/sim/clients.hpp"
#include "tests/sim/fabric.hpp"
#include "tests/sim/net.hpp"
#include "tests/sim/shell.hpp"
#include "tests/sim/watch.hpp"
#include "tests/sim/worker.hpp"

namespace weft::sim {

World::World(const Plan& given, Tracing tracing)
    : plan(given), random(given.seed), tracing_(tracing) {
  hostile_until_ = Instant{} + plan.hostile;
  watch = std::make_unique<Watch>(*this);
  audit = std::make_unique<Audit>(*this);
  net = std::make_unique<Net>(*this);
  shell = std::make_unique<Shell>(*this);
  fabric = std::make_unique<Fabric>(*this);
}

World::~World() = default;

void World::at(Duration delay, std::function<void()> action) {
  due_.push({now_ + std::max(delay, Duration{}), order_++, std::move(action)});
}

void World::fail(const std::string& what) {
  if (!broken_.empty()) return;
  broken_ = what;
  trace("BROKEN: {}", what);
}

void World::note(std::string line) {
  line = fmt::format("{:>9.3f}  {}", static_cast<double>(now_.ms) / 1'000, line);
  if (tracing_ == Tracing::live) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
    return;
  }
  trace_.push_back(std::move(line));
  if (trace_.size() > 400) trace_.pop_front();
}

void World::populate() {
  auto head = std::make_unique<Operator>(*this);
  Operator& root = *head;
  clients.push_back(std::move(head));
  for (int i = 0; i < plan.sellers; ++i) clients.push_back(std::make_unique<Seller>(*this, i));
  for (int i = 0; i < plan.customers; ++i) clients.push_back(std::make_unique<Customer>(*this, i));
  for (const auto kind :
       {Intruder::Kind::stranger, Intruder::Kind::revoked, Intruder::Kind::worker_key})
    clients.push_back(std::make_unique<Intruder>(*this, kind));
  for (int i = 0; i < plan.workers; ++i) workers.push_back(std::make_unique<Worker>(*this, i));
  if (plan.workers >= 50) coverage.hit(Branch::fleet_wide);
  shell->start();
  for (auto& client : clients) client->start();
  root.enroll_all();
  for (auto& worker : workers) at(random.span(200, 3'000), [&worker] { worker->start(); });
}

void World::again(Duration every, std::function<void()> action) {
  if (every.ms == 0) return;
  at(random.span(every.ms / 4, 2 * every.ms), [this, every, action = std::move(action)] {
    if (!hostile()) return;
    action();
    again(every, action);
  });
}

void World::plan_faults() {
  const auto some = [this]() -> Worker& { return *random.pick(workers); };
  again(plan.cut_every, [this] { net->cut_some(); });
  again(plan.gateway_every, [this] { shell->lose_gateway(random.chance(500)); });
  again(plan.broker_every, [this] { shell->crash(Branch::crash_any); });
  again(plan.worker_every, [some] { some().crash(); });
  again(plan.hang_every, [this, some] { some().hang(random.span(500, 25'000)); });
  again(plan.host_every, [some] { some().host_crash(); });
  if (plan.core.ground) again(plan.link_every, [this] { fabric->break_a_link(); });
  again(seconds(20), [some] { some().replay_stale_order(); });
}

void World::run_until(Instant end) {
  while (!due_.empty() && due_.top().at <= end && !failed()) {
    const Due next = due_.top();
    due_.pop();
    now_ = next.at;
    next.action();
  }
  now_ = std::max(now_, end);
}

// The faults have ended. In a bounded time all jobs end, all leases close, every question has its
// answer, and no process is left on any node.
void World::come_to_rest() {
  net->heal();
  if (plan.broker_every.ms != 0)
    shell->crash(Branch::crash_any);  // the last one
  else
    shell->start();
  fabric->fix();
  for (auto& worker : workers) worker->fix();
  for (auto& client : clients) client->settle();
  const Instant latest = now_ + plan.calm;
  std::string unrest = "it has just begun";
  while (!failed() && !unrest.empty() && now_ < latest) {
    run_until(now_ + seconds(5));
    unrest = audit->unrest();
    if (unrest.empty()) unrest = watch->remains();
    for (const auto& client : clients)
      if (unrest.empty()) unrest = client->waiting();
    if (unrest.empty() && !shell->quiet()) unrest = "the broker is not quiet";
    if (unrest.empty()) unrest = shell->unanswered();
  }
  if (failed()) return;
  if (!unrest.empty())
    return fail(fmt::format("11: {} s after the faults ended, {}", plan.calm.ms / 1'000, unrest));
  for (auto& client : clients) client->verify();
  run_until(now_ + seconds(30));
  if (failed()) return;
  audit->at_rest();
  audit->compare(shell->core()->snapshot(shell->store().appended()));
}

Verdict World::run() {
  populate();
  plan_faults();
  const auto every = [this](Duration period, auto&& self, std::function<void()> action) -> void {
    at(period, [this, period, self, action] {
      action();
      self(period, self, action);
    });
  };
  every(milliseconds(500), every, [this] { shell->alive(); });
  every(seconds(1), every, [this] {
    watch->look();
    // A broker that is down stops nobody: the calm begins when it is back.
    if (!hostile() && shell->up_since() != never)
      audit->look(std::max(hostile_until_, shell->up_since()) + seconds(10));
  });
  run_until(hostile_until_);
  if (!failed()) come_to_rest();

  Verdict verdict;
  verdict.broken = broken_;
  if (shell->core() != nullptr && broken_.empty())
    for (const std::uint8_t byte : shell->core()->digest().data) mix(byte);
  verdict.digest = digest_;
  verdict.coverage = coverage;
  verdict.steps = shell->steps();
  verdict.records = shell->store().appended().value;
  verdict.crashes = shell->crashes();
  verdict.trace.assign(trace_.begin(), trace_.end());
  return verdict;
}

}  // namespace weft::sim
