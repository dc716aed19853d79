// The node: holders of attempts and their ranks, which outlive the worker process.
#include <algorithm>

#include "tests/sim/watch.hpp"
#include "tests/sim/worker.hpp"
#include "tests/sim/world.hpp"

namespace weft::sim {

using worker::hold::Act;

namespace {

// How an attempt goes is written in the stars of the seed, so that all its nodes agree.
struct Fate {
  Duration runs;        // user code ends by itself after that
  bool doomed = false;  // one rank ends badly: the others can't go on
  std::uint32_t culprit = 0;
  std::uint64_t how = 0;
  bool stubborn = false;
};

Fate fate_of(const World& world, const Prepare& order) {
  Random stars(world.plan.seed * 1'000'003 + order.attempt.value);
  Fate fate;
  fate.runs = stars.span(200, 30'000);
  if (stars.chance(50)) fate.runs = hours(24 * 30);  // runs into its time limit
  const auto ranks = static_cast<std::uint32_t>(order.gang.size()) * order.spec.ranks_per_node;
  fate.culprit = static_cast<std::uint32_t>(stars.below(std::max(1u, ranks)));
  fate.doomed = order.job.value % 3 != 0 && stars.chance(world.plan.bad_rank);
  fate.how = stars.below(3);
  fate.stubborn = stars.chance(200);
  return fate;
}

constexpr Duration stop_slack =
    limits::stop_grace + seconds(2);  // TERM, KILL, sweep, a look a second

}  // namespace

void Worker::on_node(Duration delay, std::function<void()> action) {
  world_.at(delay, [this, boot = boot_, action = std::move(action)] {
    if (boot == boot_) action();
  });
}

Worker::Holder* Worker::find(AttemptId attempt) {
  const auto found = holders_.find(attempt);
  return found == holders_.end() ? nullptr : &found->second;
}

void Worker::host_crash() {
  world_.coverage.hit(Branch::host_crash);
  world_.trace("{} loses power", name_);
  process_dies();
  ++boot_;
  for (auto& [id, holder] : holders_) {  // the files stay; after a boot nothing of them lives
    if (!holder.published.gone)
      for (HeldRank& rank : holder.published.ranks)
        if (rank.state == RankState::running)
          rank.state = holder.published.released ? RankState::lost : RankState::not_started;
    holder.published.gone = holder.finished = true;
    for (auto& [number, rank] : holder.ranks) rank = {};
    world_.watch->gone(name_, id);
  }
  const bool for_long = random_.chance(200);
  world_.at(for_long ? random_.span(60'000, 300'000) : random_.span(2'000, 20'000),
            [this, boot = boot_] {
              if (boot == boot_) start();
            });
}

// ---- a holder
void Worker::launch(const Prepare& order) {
  const Instant deadline = world_.now() + order.lease_left;
  const auto [found, added] = holders_.try_emplace(order.attempt, order, deadline);
  if (!added) return world_.fail("4: a worker launched an attempt that it holds");
  found->second.published = found->second.hold.state();
  Duration takes = random_.span(3, 120);
  bool fails = false;
  if (world_.hostile() && random_.chance(world_.plan.bad_prepare)) {
    fails = random_.chance(500);
    world_.coverage.hit(fails ? Branch::worker_refused : Branch::worker_slow);
    if (!fails) takes = takes + world_.plan.core.prepare_time_max + seconds(2);
  }
  on_node(takes, [this, id = order.attempt, fails] {
    if (fails)
      hold(id, worker::hold::CanNot{Code::launch_workdir, "workdir: not a directory"});
    else
      hold(id, worker::hold::Begin{});
  });
}

void Worker::hold(AttemptId id, const worker::hold::Event& event) {
  Holder* holder = find(id);
  if (holder == nullptr || holder->finished) return;
  for (const worker::hold::Effect& effect : holder->hold.step(world_.now(), event))
    if (const auto* what = std::get_if<Act>(&effect)) act(id, *what);
  if (find(id) != nullptr) arm_holder(id);
}

void Worker::arm_holder(AttemptId id) {
  Holder& holder = *find(id);
  const Instant next = holder.hold.next_timer();
  if (next == never) return;
  const std::uint64_t armed = ++holder.timer;
  on_node(std::max(next - world_.now(), milliseconds(1)), [this, id, armed] {
    Holder* again = find(id);
    if (again == nullptr || again->timer != armed) return;
    const bool mine = world_.now() >= again->hold.state().deadline && !again->hold.state().stopping;
    if (mine) world_.coverage.hit(Branch::deadline_kill);
    hold(id, worker::hold::TimePassed{});
  });
}

void Worker::act(AttemptId id, Act what) {
  switch (what) {
    case Act::run_setup:
      return on_node(milliseconds(5), [this, id] { hold(id, worker::hold::SetupEnded{}); });
    case Act::fork_ranks: return on_node({}, [this, id] { fork_ranks(id); });
    case Act::publish: return publish(id);
    case Act::release: return release(id);
    case Act::term: return term(id);
    case Act::kill_tree: return kill_tree(id);
    case Act::finish: find(id)->finished = true; return;
  }
}

void Worker::fork_ranks(AttemptId id) {
  Holder* holder = find(id);
  if (holder == nullptr || holder->finished) return;
  worker::hold::Forked forked;
  for (const HeldRank& rank : holder->hold.state().ranks) {
    holder->ranks[rank.rank].alive = true;
    forked.ranks.push_back(rank);
    forked.ranks.back().pid = 100 + rank.rank;
    on_node(random_.span(1, 30),
            [this, id, r = rank.rank] { hold(id, worker::hold::RankReady{r}); });
  }
  world_.watch->prepared(name_, id, holder->order.lease,
                         holder->hold.state().deadline + stop_slack);
  hold(id, forked);
  if (!world_.hostile() || !random_.chance(world_.plan.bad_prepare / 3)) return;
  on_node(random_.span(1, 300), [this, id] {  // somebody kills one while it waits
    const Holder* again = find(id);
    if (again == nullptr || again->hold.state().released || again->finished) return;
    world_.coverage.hit(Branch::gone_before_go);
    rank_dies(id, again->ranks.begin()->first, true, 9);
  });
}

void Worker::publish(AttemptId id) {
  Holder& holder = *find(id);
  holder.published = holder.hold.state();
  if (holder.published.gone) {
    world_.watch->gone(name_, id);
    world_.trace("{} is clear of attempt {}", name_, id.value);
  }
  on_node(milliseconds(1), [this, id] {
    if (const Holder* again = find(id)) tell_worker(*again);
  });
}

void Worker::tell_worker(const Holder& holder) {
  const HolderState& state = holder.published;
  worker::HolderTold told;
  told.attempt = state.attempt;
  told.prepared = state.prepared;
  told.code = state.code;
  told.detail = state.detail;
  told.released = state.released;
  told.gone = state.gone;
  for (const HeldRank& rank : state.ranks)
    if (rank.state != RankState::running)
      told.ended.push_back({rank.rank, rank.state, rank.status, rank.out_of_memory, "last words"});
  feed(std::move(told));
}

void Worker::tell_holder(AttemptId id, HolderOrderBody body) {
  on_node(milliseconds(1),
          [this, id, body = std::move(body)] { hold(id, worker::hold::Asked{body}); });
}

// ---- ranks
void Worker::release(AttemptId id) {
  Holder& holder = *find(id);
  world_.watch->released(name_, id, holder.hold.state().deadline + stop_slack);
  world_.trace("{} runs attempt {}", name_, id.value);
  for (const auto& [number, rank] : holder.ranks) {
    plan_end(id, number);
    on_node(random_.span(10, 200), [this, id, r = number] { say_hello(id, r); });
  }
}

void Worker::plan_end(AttemptId id, std::uint32_t number) {
  const Fate fate = fate_of(world_, find(id)->order);
  Duration runs = fate.runs + random_.span(0, 400);
  if (!fate.doomed) return on_node(runs, [this, id, number] { rank_dies(id, number, false, 0); });
  if (number != fate.culprit) return;  // waits for the culprit, until somebody ends it
  runs = random_.span(100, 8'000);
  if (fate.how == 2)
    world_.coverage.hit(Branch::rank_early);
  else
    world_.coverage.hit(fate.how == 0 ? Branch::rank_failed : Branch::rank_killed);
  on_node(runs, [this, id, number, how = fate.how] {
    rank_dies(id, number, how == 1, how == 0 ? 3 : how == 1 ? 11 : 0);
  });
}

void Worker::rank_dies(AttemptId id, std::uint32_t number, bool killed, std::int32_t status) {
  Holder* holder = find(id);
  if (holder == nullptr || !holder->ranks[number].alive) return;
  holder->ranks[number] = {};
  feed(worker::RankHungUp{id, number});
  hold(id, worker::hold::RankExited{number, killed, status, false});
}

void Worker::term(AttemptId id) {
  const bool stubborn = fate_of(world_, find(id)->order).stubborn;
  if (stubborn) return world_.coverage.hit(Branch::rank_stubborn);
  for (const auto& [number, rank] : find(id)->ranks)
    if (rank.alive)
      on_node(random_.span(1, 900), [this, id, r = number] { rank_dies(id, r, true, 15); });
}

void Worker::kill_tree(AttemptId id) {
  for (const auto& [number, rank] : find(id)->ranks)
    if (rank.alive) on_node(milliseconds(1), [this, id, r = number] { rank_dies(id, r, true, 9); });
  on_node(milliseconds(2), [this, id] {
    const Holder* holder = find(id);
    if (holder == nullptr || holder->finished) return;
    const bool any = std::any_of(holder->ranks.begin(), holder->ranks.end(),
                                 [](const auto& entry) { return entry.second.alive; });
    if (!any) hold(id, worker::hold::TreeEmpty{});
  });
}

void Worker::say_hello(AttemptId id, std::uint32_t number) {
  Holder* holder = find(id);
  if (holder == nullptr || !core_ || !holder->ranks[number].alive) return;
  holder->ranks[number].connected = true;
  RankHello hello{id, holder->order.generation, number, {}};
  hello.address = {static_cast<std::uint8_t>(number), 7};
  feed(worker::RankSaid{id, number, hello});
}

// What a rank's transport does with what it hears.
void Worker::hears(AttemptId id, std::uint32_t number, const RankHearsBody& body) {
  const Holder* holder = find(id);
  if (holder == nullptr) return;
  if (std::holds_alternative<MeshSeed>(body)) return world_.coverage.hit(Branch::mesh_seed);
  const auto* ended = std::get_if<PeerEnded>(&body);
  if (ended == nullptr) return;
  const Fate fate = fate_of(world_, holder->order);
  if (!fate.doomed || ended->who.rank != fate.culprit) return;
  // Its collective needs a rank that left.
  on_node(random_.span(1, 200), [this, id, number, culprit = fate.culprit] {
    const Holder* again = find(id);
    if (again == nullptr || !again->ranks.at(number).alive) return;
    world_.coverage.hit(Branch::rank_blamed);
    feed(worker::RankSaid{
        id, number,
        RankBlames{id, again->order.generation, number, culprit, Code::peer_left, "left early"}});
  });
}

}  // namespace weft::sim
