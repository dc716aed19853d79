#include "tests/model/world.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "schemas/digest.hpp"

namespace weft::model {

namespace {

constexpr std::uint32_t operator_key = 1, seller_key = 2, customer_key = 3, worker_key = 10;
constexpr SessionId clients{1'000'000};

Principal principal_of(std::uint32_t number) {
  Principal principal;
  principal.data[0] = static_cast<std::uint8_t>(number);
  principal.data[31] = 1;
  return principal;
}

KeyEntry key(std::uint32_t number, Role role, std::string name, std::string account) {
  KeyEntry entry;
  entry.principal = principal_of(number);
  entry.role = role;
  entry.name = std::move(name);
  entry.account = std::move(account);
  return entry;
}

std::vector<KeyEntry> keys() {
  return {key(operator_key, Role::operator_, "operator", "house"),
          key(seller_key, Role::seller, "seller", "owner"),
          key(customer_key, Role::customer, "customer", "team"),
          key(worker_key, Role::worker, "n0", "owner"),
          key(worker_key + 1, Role::worker, "n1", "owner")};
}

broker::CoreConfig config() {
  broker::CoreConfig made;
  made.price_default = {1'000'000};
  made.fee_bps = 100;
  made.silence_max = seconds(5);
  made.recovery_grace = seconds(10);
  made.prepare_time_max = seconds(6);
  made.stop_grace = seconds(2);
  return made;
}

JobSpec spec(std::uint32_t wide) {
  JobSpec job;
  job.name = wide == 2 ? "wide" : "narrow";
  job.nodes = wide;
  job.time = minutes(1);
  job.run = {"true"};
  job.backend = "none";
  job.has_price_max = true;
  job.price_max = {2'000'000};
  job.restart.max = wide == 2 ? 0 : 1;
  job.restart.on_exit = true;
  job.restart.backoff = seconds(1);
  return job;
}

}  // namespace

std::string move_name(int move) {
  static constexpr std::array<const char*, moves_common + moves_per_node> names{
      "submit the wide job",      "submit the narrow job", "cancel the wide job",
      "cancel the narrow job",    "time passes",           "the broker restarts",
      "the next orders are lost", "has prepared",          "refuses",
      "a rank exits with 0",      "a rank exits with 3",   "the attempt is gone",
      "its session closes",       "joins again",           "comes back from a reboot",
      "an old process speaks"};
  if (move < moves_common) return names[static_cast<std::size_t>(move)];
  const int node = (move - moves_common) / moves_per_node;
  return fmt::format(
      "n{}: {}", node,
      names[static_cast<std::size_t>(moves_common + (move - moves_common) % moves_per_node)]);
}

World::World() : core_(config()), now_{1'790'000'000'000} {
  step(broker::Began{epoch_, "model", keys()});
  ask(operator_key, 1, Deposit{"team", {100'000'000}});
  for (int i = 0; i < nodes; ++i) {
    nodes_[static_cast<std::size_t>(i)].incarnation = {static_cast<std::uint64_t>(100 + i)};
    join(i);
  }
  PutOffer offer;
  offer.floor = {500'000};
  ask(seller_key, 2, offer);
}

void World::step(const broker::Event& event) {
  const broker::Step made = core_.step(now_, event);
  if (std::string broken = core_.broken_invariant(); !broken.empty())
    fail("the core says: " + broken);
  if (!made.facts.empty()) {
    JournalRecord record;
    record.seq = {++seq_};
    record.epoch = epoch_;
    record.at = now_;
    record.facts = made.facts;
    for (const FactBox& box : made.facts) {
      if (const auto* fact = std::get_if<AttemptMade>(&box.fact))
        gang_[fact->attempt.id] = fact->attempt.nodes.size();
      if (const auto* fact = std::get_if<AttemptMoved>(&box.fact))
        if (fact->state == AttemptState::running) went_[fact->attempt] = true;
      if (const auto* fact = std::get_if<Posted>(&box.fact)) {
        std::int64_t sum = 0;
        for (const Leg& leg : fact->legs) sum += leg.amount.micros;
        if (sum != 0) fail("7: a posting does not sum to zero");
      }
    }
    journal_ = std::make_shared<Record>(Record{std::move(record), journal_});
  }
  const bool lost = std::exchange(lose_, false);
  for (const broker::Effect& effect : made.effects) {
    if (const auto* gone = std::get_if<broker::Disconnect>(&effect))
      for (NodeState& node : nodes_)
        if (node.session == gone->session) node.session = {};
    const auto* send = std::get_if<broker::Send>(&effect);
    if (!send) continue;
    if (std::holds_alternative<Reply>(send->envelope.body)) replied(send->envelope);
    for (NodeState& node : nodes_) {
      if (!node.session || node.session != send->session) continue;
      if (lost)
        node.session = {};  // the connection died with what was in it; the broker may not know
      else
        order(node, send->envelope);
    }
  }
}

void World::ask(std::uint32_t who, std::uint8_t number, RequestBody body) {
  broker::MessageCame came;
  came.session = {clients.value + who};
  came.principal = principal_of(who);
  came.envelope.key.data[0] = number;
  came.envelope.key.data[1] = 7;
  came.envelope.body = Request{std::move(body)};
  step(came);
}

void World::replied(const Envelope& envelope) {
  const auto& reply = std::get<Reply>(envelope.body).body;
  const auto* submitted = std::get_if<Submitted>(&reply);
  if (!submitted) return;
  JobId& known = jobs_[envelope.key.data[0] == 10 ? 0 : 1];
  if (known && known != submitted->job) fail("3: one key made two jobs");
  if (jobs_[0] == submitted->job && &known != &jobs_[0]) fail("3: one job id was given twice");
  known = submitted->job;
}

void World::report(NodeState& node, ReportBody body) {
  broker::MessageCame came;
  came.session = node.session;
  came.principal = principal_of(worker_key + static_cast<std::uint32_t>(&node - nodes_.data()));
  came.envelope.incarnation = node.incarnation;
  came.envelope.sequence = ++node.sequence;
  came.envelope.body = Report{std::move(body)};
  step(came);
}

void World::join(int number) {
  NodeState& node = nodes_[static_cast<std::size_t>(number)];
  node.session = {next_session_++};
  Join join;
  join.node_name = fmt::format("n{}", number);
  join.epoch_seen = node.epoch;
  join.inventory.cores = 4;
  join.inventory.address = "10.0.0.1";
  for (const auto& [id, held] : node.held) {
    weft::Holding holding{id, held.released, held.gone, {}, {}};
    for (std::uint32_t r = 0; r < held.ranks; ++r) {
      RankReport rank{held.first_rank + r, held.ended[r] >= 0, {}};
      rank.end = {rank.rank, RankState::exited, held.ended[r], false, {}};
      if (!rank.ended) rank.end = {};
      holding.ranks.push_back(rank);
    }
    join.holdings.push_back(std::move(holding));
  }
  report(node, std::move(join));
}

// ---- what a worker does with an order
void World::order(NodeState& node, const Envelope& envelope) {
  if (envelope.epoch < node.epoch) return fail("5: an order of an old epoch");
  node.epoch = envelope.epoch;
  const OrderBody& body = std::get<Order>(envelope.body).body;
  if (const auto* prepare = std::get_if<Prepare>(&body)) {
    if (node.held.contains(prepare->attempt)) return;
    for (const auto& [id, held] : node.held)
      if (held.released && !held.gone) fail("1: a node was given a second attempt while one runs");
    Holding& held = node.held[prepare->attempt];
    held.id = prepare->attempt;
    held.ranks = prepare->spec.ranks_per_node;
    held.first_rank = prepare->node_index * held.ranks;
    held.ended.assign(held.ranks, -1);
  } else if (const auto* released = std::get_if<Go>(&body)) {
    go(node, *released);
  } else if (const auto* stop = std::get_if<StopAttempt>(&body)) {
    const auto found = node.held.find(stop->attempt);
    if (found != node.held.end())
      found->second.stopped = true;
    else
      node.held[stop->attempt] = {stop->attempt, 0, 0, false, false, true, true, {}};
  } else if (const auto* forget = std::get_if<Forget>(&body)) {
    const auto found = node.held.find(forget->attempt);
    if (found == node.held.end()) return;
    if (!found->second.gone) return fail("4: a worker was told to forget what still runs");
    node.held.erase(found);
  } else if (std::holds_alternative<Dismissed>(body)) {
    node.session = {};
  }
}

void World::go(NodeState& node, const Go& order) {
  const auto found = node.held.find(order.attempt);
  if (found == node.held.end() || found->second.stopped || found->second.gone) return;
  Holding& held = found->second;
  if (!went_[order.attempt]) fail("4: GO was sent before it was decided");
  if (static_cast<std::size_t>(prepared_[order.attempt]) < gang_[order.attempt])
    fail("4: a gang was released before it was whole");
  for (const auto& [id, other] : node.held)
    if (id != order.attempt && other.released && !other.gone) fail("1: one node runs two attempts");
  held.released = true;
}

bool World::rank_ends(NodeState& node, int code) {
  for (auto& [id, held] : node.held) {
    if (!held.released || held.gone) continue;
    for (std::uint32_t r = 0; r < held.ranks; ++r) {
      if (held.ended[r] >= 0) continue;
      held.ended[r] = code;
      report(node, RankGone{id, {held.first_rank + r, RankState::exited, code, false, {}}});
      return true;
    }
  }
  return false;
}

bool World::node_move(NodeState& node, int number, Move move) {
  if (move == Move::rejoin) {
    if (node.session) return false;
    join(number);
    return true;
  }
  if (move == Move::reboot) {
    if (reboots_ >= 1 && !settling_) return false;
    ++reboots_;
    if (node.session) step(broker::SessionClosed{std::exchange(node.session, {})});
    node.held.clear();
    node.before = node.incarnation;
    node.incarnation.value += 10;
    node.sequence = 0;
    join(number);
    return true;
  }
  if (!node.session) return false;
  switch (move) {
    case Move::session_closed:
      step(broker::SessionClosed{std::exchange(node.session, {})});
      return true;
    case Move::rank_well: return rank_ends(node, 0);
    case Move::rank_badly: return rank_ends(node, 3);
    case Move::stale_report: {
      if (!node.before || node.held.empty()) return false;
      std::swap(node.before, node.incarnation);
      report(node, AttemptGone{node.held.begin()->first});
      std::swap(node.before, node.incarnation);
      return true;
    }
    default: break;
  }
  for (auto& [id, held] : node.held) {
    if (move == Move::attempt_gone) {
      const bool all =
          std::all_of(held.ended.begin(), held.ended.end(), [](int e) { return e >= 0; });
      if (!held.stopped && !all && !held.gone) continue;
      held.gone = true;
      const AttemptId attempt = id;
      report(node, AttemptGone{attempt});
      return true;
    }
    if (held.released || held.stopped || held.gone) continue;
    const AttemptId attempt = id;
    if (move == Move::prepared) {
      if (!std::exchange(held.prepared, true)) ++prepared_[attempt];
      report(node, Prepared{attempt, {}, {}});
      return true;
    }
    if (move == Move::refused && !held.prepared) {
      node.held.erase(attempt);
      report(node, Prepared{attempt, Code::launch_refused, "no"});
      return true;
    }
  }
  return false;
}

bool World::make(int number) {
  if (number >= moves_common) {
    const int node = (number - moves_common) / moves_per_node;
    const int move = moves_common + (number - moves_common) % moves_per_node;
    return node_move(nodes_[static_cast<std::size_t>(node)], node, static_cast<Move>(move));
  }
  switch (static_cast<Move>(number)) {
    case Move::submit_wide: ask(customer_key, 10, SubmitJob{spec(2), false, false}); return true;
    case Move::submit_narrow: ask(customer_key, 11, SubmitJob{spec(1), false, false}); return true;
    case Move::cancel_wide:
    case Move::cancel_narrow: {
      const JobId job = jobs_[number == static_cast<int>(Move::cancel_wide) ? 0 : 1];
      if (!job) return false;
      ask(customer_key, static_cast<std::uint8_t>(20 + number), CancelJob{job});
      return true;
    }
    case Move::tick: {
      const Instant next = core_.next_timer();
      if (next == never || (ticks_ >= 4 && !settling_)) return false;
      ++ticks_;
      now_ = std::max(now_ + milliseconds(1), next);
      step(broker::TimePassed{});
      return true;
    }
    case Move::restart:
      if (restarts_ >= 1) return false;
      ++restarts_;
      restart();
      return true;
    case Move::lose_orders:
      if (lost_) return false;
      return lost_ = lose_ = true;
    default: return false;
  }
}

void World::restart() {
  std::vector<const JournalRecord*> records;
  for (const Record* r = journal_.get(); r != nullptr; r = r->before.get())
    records.push_back(&r->record);
  broker::Core replayed(config());
  for (auto record = records.rbegin(); record != records.rend(); ++record)
    replayed.replay(**record);
  if (replayed.digest() != core_.digest())
    fail("2: replay gives another state than the broker had");
  core_ = replayed;
  for (NodeState& node : nodes_) node.session = {};
  lose_ = false;
  ++epoch_.value;
  step(broker::Began{epoch_, "model", keys()});
}

Digest World::mark() const {
  Hasher hasher;
  const Digest core = core_.digest();
  hasher.add(std::span<const std::uint8_t>(core.data));
  hasher.add(static_cast<std::uint64_t>(now_.ms));
  hasher.add(static_cast<std::uint64_t>(core_.next_timer().ms));
  hasher.add(static_cast<std::uint64_t>((lose_ ? 1 : 0) | (lost_ ? 2 : 0) | restarts_ << 2 |
                                        reboots_ << 4 | ticks_ << 8));
  for (const NodeState& node : nodes_) {
    hasher.add(node.session ? 1 : 0);
    hasher.add(node.incarnation.value);
    for (const auto& [id, held] : node.held) {
      hasher.add(id.value * 16 + (held.prepared ? 1 : 0) + (held.released ? 2 : 0) +
                 (held.stopped ? 4 : 0) + (held.gone ? 8 : 0));
      for (const int end : held.ended) hasher.add(static_cast<std::uint64_t>(end + 1));
    }
  }
  return hasher.finish();
}

std::string World::comes_to_rest() const {
  World world(*this);
  world.lose_ = false;
  world.settling_ = true;
  for (int round = 0; round < 400; ++round) {
    bool over = true;
    for (const JobId job : world.jobs_) {
      if (!job) continue;
      for (const Job& held : world.core_.snapshot({}).jobs)
        if (held.id == job) over = over && ended(held.state);
    }
    for (const Lease& lease : world.core_.snapshot({}).leases)
      over = over && lease.state == LeaseState::closed;
    if (!world.broken_.empty()) return world.broken_;
    if (over) return {};
    for (int n = 0; n < nodes; ++n) {
      NodeState& node = world.nodes_[static_cast<std::size_t>(n)];
      if (!node.session) world.node_move(node, n, Move::rejoin);
      world.step(broker::SessionsAlive{{node.session}});
      for (const Move move : {Move::prepared, Move::rank_well, Move::attempt_gone})
        while (world.node_move(node, n, move) && world.broken_.empty() && move == Move::rank_well) {
        }
    }
    // Heartbeats go on: time passes in small steps.
    world.now_ = std::min(world.now_ + seconds(1),
                          std::max(world.now_ + milliseconds(1), world.core_.next_timer()));
    world.step(broker::TimePassed{});
  }
  return "11: from here on nothing goes wrong, and yet a job or a lease does not end";
}

}  // namespace weft::model
