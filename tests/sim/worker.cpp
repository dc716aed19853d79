// The worker process: its core, its session, its deaths.
#include "tests/sim/worker.hpp"

#include <algorithm>

#include "base/planted.hpp"
#include "tests/sim/shell.hpp"
#include "tests/sim/watch.hpp"
#include "tests/sim/world.hpp"

namespace weft::sim {

Worker::Worker(World& world, int number)
    : world_(world),
      random_(world.random.split()),
      name_(fmt::format("n{}", number)),
      zombie_(world, *this) {
  principal = zombie_.principal = principal_of(1'000 + static_cast<std::uint32_t>(number));
  worker = true;
}

Instant Worker::world_now() const { return world_.now(); }

void Worker::start() {
  if (core_) return;
  ++life_;
  core_ = std::make_unique<worker::Worker>();
  incarnation_ = {random_.next() | 1};
  world_.trace("{} starts as {:x}", name_, incarnation_.value);
  Inventory inventory;
  inventory.cores = 8;
  inventory.memory_bytes = 1ULL << 34;
  inventory.host = name_;
  inventory.address = "10.0.0.1";
  inventory.version = "simulated";
  step(worker::Began{planted(102) ? Epoch{} : epoch_file_, name_, inventory, forgotten_});
  bool adopts = false;
  for (auto& [id, holder] : holders_) {
    step(worker::Adopted{holder.order});
    tell_worker(holder);
    adopts = adopts || (holder.published.released && !holder.published.gone);
  }
  if (adopts) world_.coverage.hit(Branch::worker_adopted);
  for (auto& [id, holder] : holders_)
    for (auto& [number, rank] : holder.ranks)
      if (rank.alive && holder.published.released)
        on_node(random_.span(50, 500), [this, a = id, r = number] { say_hello(a, r); });
  connect();
}

void Worker::process_dies() {
  if (joined_) join_before_ = join_;  // one that was never welcomed is not known to be old
  joined_ = false;                    // nor is it, before its successor has been welcomed
  disconnect();
  core_.reset();
  hung_until_ = {};
  inbox_.clear();
  ++life_;
  for (auto& [id, holder] : holders_)
    for (auto& [number, rank] : holder.ranks) rank.connected = false;
}

void Worker::crash() {
  if (!core_) return;
  world_.coverage.hit(Branch::worker_crash);
  world_.trace("{} is killed, its ranks live on", name_);
  process_dies();
  world_.at(random_.span(100, 8'000), [this, life = life_] {
    if (life == life_) start();
  });
}

void Worker::exit(const worker::Exit& exit) {
  world_.trace("{} exits: {}", name_, exit.reason);
  if (exit.reason.starts_with(to_string(Code::worker_superseded)))
    world_.coverage.hit(Branch::superseded);
  process_dies();
  world_.at(random_.span(500, 3'000), [this, life = life_] {
    if (life == life_) start();
  });
}

void Worker::hang(Duration time) {
  if (!core_ || hung()) return;
  world_.coverage.hit(Branch::worker_hang);
  world_.trace("{} freezes for {} ms", name_, time.ms);
  hung_until_ = world_.now() + time;
  world_.at(time, [this, life = life_] {
    if (life != life_) return;
    std::deque<worker::Event> waiting;
    waiting.swap(inbox_);
    for (const worker::Event& event : waiting) feed(event);
    feed(worker::TimePassed{});
  });
}

void Worker::fix() {
  if (!core_) start();
}

// ---- the core
void Worker::feed(worker::Event event) {
  if (!core_) return;
  if (hung())
    inbox_.push_back(std::move(event));
  else
    step(event);
}

void Worker::step(const worker::Event& event) {
  const std::uint64_t life = life_;
  for (const worker::Effect& effect : core_->step(world_.now(), event)) {
    carry_out(effect);
    if (life != life_ || !core_) return;
    if (world_.hostile() && world_.plan.worker_every.ms != 0 && random_.chance(1)) return crash();
  }
  arm_timer();
}

void Worker::arm_timer() {
  const Instant next = core_->next_timer();
  if (next == never) return;
  const std::uint64_t armed = ++timer_;
  world_.at(std::max(next - world_.now(), milliseconds(1)), [this, armed, life = life_] {
    if (armed == timer_ && life == life_) feed(worker::TimePassed{});
  });
}

void Worker::carry_out(const worker::Effect& effect) {
  const auto* says = std::get_if<worker::SendReport>(&effect);
  const bool refuses = says && std::holds_alternative<Fenced>(says->body);
  if (obeys_stale_ && !refuses && !std::holds_alternative<worker::Note>(effect))
    world_.fail("5: a worker obeyed a broker of an older epoch");
  if (const auto* store = std::get_if<worker::StoreEpoch>(&effect))
    epoch_file_ = store->epoch;
  else if (const auto* send = std::get_if<worker::SendReport>(&effect))
    report(send->body);
  else if (const auto* made = std::get_if<worker::Launch>(&effect))
    launch(made->order);
  else if (const auto* tell = std::get_if<worker::TellHolder>(&effect))
    tell_holder(tell->attempt, tell->body);
  else if (const auto* said = std::get_if<worker::TellRank>(&effect))
    hears(said->attempt, said->rank, said->body);
  else if (const auto* log = std::get_if<worker::ServeLog>(&effect))
    serve_log(log->order);
  else if (const auto* measure = std::get_if<worker::TellProbe>(&effect))
    probe(measure->body);
  else if (const auto* left = std::get_if<worker::Exit>(&effect))
    exit(*left);
  else if (const auto* drop = std::get_if<worker::DropAttempt>(&effect)) {
    holders_.erase(drop->attempt);
    forgotten_.push_back(drop->attempt);
  } else if (const auto* note = std::get_if<worker::Note>(&effect)) {
    world_.trace("  {}: {}", name_, note->text);
  }
}

// ---- the session
void Worker::connect() {
  if (!core_ || session_) return;
  session_ = world_.net->open(*this);
  if (!session_) {
    world_.at(random_.span(50, 1'500), [this, life = life_] {
      if (life == life_) connect();
    });
    return;
  }
  joined_ = false;
  if (world_.hostile() && random_.chance(200)) replay_stale_order();
  feed(worker::LinkUp{});
}

void Worker::disconnect() {
  if (session_) world_.net->close_by_peer(session_);
  session_ = {};
}

void Worker::lost(SessionId session) {
  if (session != session_) return;
  session_ = {};
  feed(worker::LinkDown{});
  world_.at(random_.span(10, 1'500), [this, life = life_] {
    if (life == life_) connect();
  });
}

void Worker::report(const ReportBody& body) {
  if (!session_) return;
  Envelope envelope;
  envelope.incarnation = incarnation_;
  envelope.sequence = ++sequence_;
  envelope.body = Report{body};
  world_.net->up(session_, envelope);
  if (std::holds_alternative<Join>(body)) join_ = envelope;
  if (!world_.hostile()) return;
  old_reports_.push_back(envelope);
  if (old_reports_.size() > 12) old_reports_.pop_front();
  if (random_.chance(80)) replay_old_report();
}

// A process that was thought dead, or a slow network, delivers what an older one has said.
void Worker::replay_old_report() {
  const Envelope& old = old_reports_[random_.below(old_reports_.size())];
  // Not before this process has joined: a process sends its Join only on connections of its own.
  if (old.incarnation == incarnation_ || !joined_) return;
  world_.coverage.hit(Branch::old_incarnation);
  world_.net->up(session_, old);
}

void Worker::heard(SessionId session, const Envelope& envelope) {
  if (!core_ || session != session_) return;
  const auto* order = std::get_if<Order>(&envelope.body);
  if (!order) return world_.fail("a worker was sent something that is not an order");
  old_orders_.push_back(envelope);
  if (old_orders_.size() > 24) old_orders_.pop_front();
  if (std::holds_alternative<Welcome>(order->body)) {
    joined_ = true;
    if (world_.hostile() && random_.chance(100))
      world_.at(random_.span(0, 5'000), [this] { raise_zombie(); });
  }
  const Epoch before = core_->epoch();
  feed(worker::OrderCame{envelope.epoch, order->body});
  if (!core_ || hung()) return;
  if (core_->epoch() < before) world_.fail("5: a worker's epoch went back");
  if (envelope.epoch == core_->epoch()) world_.watch->saw(name_, envelope.epoch);
}

// The old broker wakes up, or the network gives back what it held.
void Worker::replay_stale_order() {
  if (!core_ || hung() || old_orders_.empty()) return;
  const Envelope old = old_orders_[random_.below(old_orders_.size())];
  if (!world_.watch->is_stale(name_, old.epoch)) return;
  world_.coverage.hit(Branch::stale_epoch);
  obeys_stale_ = true;
  step(worker::OrderCame{old.epoch, std::get<Order>(old.body).body});
  obeys_stale_ = false;
}

void Worker::raise_zombie() {
  if (!joined_ || join_before_.incarnation == incarnation_ || !join_before_.incarnation) return;
  world_.coverage.hit(Branch::zombie);
  Envelope last_words = join_before_;
  for (const Envelope& old : old_reports_)
    if (old.incarnation == join_before_.incarnation) last_words = old;
  zombie_.rise(join_before_, last_words);
}

Zombie::Zombie(World& world, const Peer& alive) : world_(world) {
  principal = alive.principal;
  worker = true;
}

void Zombie::rise(const Envelope& join, const Envelope& last_words) {
  if (session_) return;
  session_ = world_.net->open(*this);
  if (!session_) return;
  world_.net->up(session_, join);
  world_.net->up(session_, last_words);
}

void Zombie::heard(SessionId session, const Envelope& envelope) {
  if (session != session_) return;
  const auto* order = std::get_if<Order>(&envelope.body);
  if (!order || !std::holds_alternative<Dismissed>(order->body))
    return world_.fail("5: a process that was superseded was given an order");
  world_.coverage.hit(Branch::zombie_dismissed);
  world_.net->close_by_peer(session_);
  session_ = {};
}

void Zombie::lost(SessionId session) {
  if (session == session_) session_ = {};
}

// Every way carries 1,000 but for some that carry 10 this time, alone or not.
void Worker::probe(const OrderBody& order) {
  const auto trouble = [&] {
    return world_.hostile() && random_.chance(world_.plan.bad_fabric / 4);
  };
  if (trouble()) return world_.coverage.hit(Branch::probe_silent);
  ReportBody answer;
  if (const auto* asked = std::get_if<ProbeOpen>(&order)) {
    ProbeOpened opened;
    opened.ticket = asked->ticket;
    opened.address = {1};
    if (trouble()) {
      world_.coverage.hit(Branch::probe_refused);
      opened.code = Code::os_error;
      opened.detail = "a simulated lack of a probe";
    }
    answer = std::move(opened);
  } else if (const auto* run = std::get_if<ProbeRun>(&order)) {
    ProbeDone done;
    done.ticket = run->ticket;
    done.run = run->run;
    for (const std::uint32_t to : run->to) {
      const bool slow = trouble() || (run->run > 1 && random_.chance(800));
      done.measures.push_back({run->index, to, 1'000, slow ? 10U : 1'000U});
    }
    answer = std::move(done);
  } else {
    return;
  }
  world_.at(random_.span(1, 400), [this, answer = std::move(answer), life = life_] {
    if (life == life_) feed(worker::ProbeSaid{answer});
  });
}

void Worker::serve_log(const FetchLog& order) {
  world_.at(random_.span(1, 50), [this, order, life = life_] {
    if (life != life_) return;
    LogPiece piece;
    piece.ticket = order.ticket;
    piece.chunk.offset = order.offset;
    piece.chunk.next = order.offset + 1;
    piece.chunk.data = {'x'};
    report(piece);
  });
}

}  // namespace weft::sim
