#include "worker/core/hold.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/planted.hpp"

namespace weft::worker::hold {
namespace {
constexpr std::int32_t sigkill = 9, sigterm = 15;  // fixed by Linux on every architecture
}

Hold::Hold(const Prepare& order, Instant deadline) : has_setup_(!order.spec.setup.empty()) {
  state_.attempt = order.attempt;
  state_.deadline = deadline;
  for (std::uint32_t i = 0; i < order.spec.ranks_per_node; ++i) {
    HeldRank r;
    r.rank = order.node_index * order.spec.ranks_per_node + i;
    state_.ranks.push_back(r);
  }
}

Effects Hold::step(Instant now, const Event& event) {
  now_ = now;
  out_.clear();
  if (!state_.gone) std::visit([this](const auto& e) { on(e); }, event);
  return std::move(out_);
}

Instant Hold::next_timer() const {
  if (state_.gone) return never;
  if (killing_) return now_ + kill_again;
  return std::min(
      {state_.stopping ? never : state_.deadline, termed_ ? never : term_at_, kill_at_});
}

HeldRank* Hold::rank(std::uint32_t number) {
  for (HeldRank& r : state_.ranks)
    if (r.rank == number) return &r;
  return nullptr;
}

bool Hold::all_ended() const {
  return std::all_of(state_.ranks.begin(), state_.ranks.end(),
                     [](const HeldRank& r) { return r.state != RankState::running || r.pid == 0; });
}

void Hold::on(const Begin&) { act(has_setup_ ? Act::run_setup : Act::fork_ranks); }

void Hold::on(const SetupEnded&) {
  if (!killing_) act(Act::fork_ranks);
}

void Hold::on(const CanNot& e) {
  if (state_.code == Code::none) {
    state_.code = e.code;
    state_.detail = e.detail.substr(0, limits::text_bytes_max);
  }
  act(Act::publish);
  kill();
}

void Hold::on(const Forked& e) {
  for (const HeldRank& forked : e.ranks) {
    if (HeldRank* r = rank(forked.rank)) {
      r->pid = forked.pid;
      r->started = forked.started;
    }
  }
  act(Act::publish);  // from here on a lost holder's ranks can be found
  if (killing_) act(Act::kill_tree);
}

void Hold::on(const RankReady& e) {
  ready_.insert(e.rank);
  if (ready_.size() != state_.ranks.size() || killing_ || state_.code != Code::none) return;
  state_.prepared = true;
  if (go_) return release();
  act(Act::publish);
}

void Hold::on(const RankUnfit& e) {
  if (HeldRank* r = rank(e.rank)) r->detail = e.detail.substr(0, 255);
  on(CanNot{e.code, e.detail});
}

void Hold::on(const ExecFailed& e) {
  HeldRank* r = rank(e.rank);
  if (r == nullptr || r->state != RankState::running) return;
  r->state = RankState::not_started;
  r->detail = e.detail.substr(0, 255);
  act(Act::publish);
}

void Hold::on(const RankExited& e) {
  HeldRank* r = rank(e.rank);
  if (r == nullptr) return;
  if (r->state == RankState::running) {
    const bool by_us =
        e.killed && ((termed_ && e.status == sigterm) || (killing_ && e.status == sigkill));
    r->state = !state_.released ? RankState::not_started
               : by_us          ? RankState::stopped
               : e.killed       ? RankState::killed
                                : RankState::exited;
    r->status = e.status;
    r->out_of_memory = e.out_of_memory;
    if (!state_.released && state_.code == Code::none &&
        !state_.stopping) {  // died while it waited
      state_.code = Code::launch_refused;
      state_.detail = fmt::format("rank {} ended before Go: {} {}", e.rank,
                                  e.killed ? "signal" : "exit code", e.status);
    }
  }
  if (!killing_) act(Act::publish);
  if (all_ended() || !state_.released) kill();  // its leftovers, or its waiting neighbours
}

void Hold::on(const Asked& e) {
  if (const auto* go_order = std::get_if<HolderGo>(&e.body)) return go(*go_order);
  if (const auto* s = std::get_if<HolderStop>(&e.body)) return stop(s->leave, s->grace);
  if (const auto* s = std::get_if<HolderSignal>(&e.body))
    if (state_.released && !killing_) out_.emplace_back(Signal{s->rank, s->signal});
}

void Hold::go(const HolderGo& order) {
  if (!planted(104) && (state_.released || state_.stopping || killing_ || go_)) return;
  go_ = order;
  if (state_.prepared) release();
}

void Hold::release() {
  if (go_->lease_left.ms > 0) state_.deadline = now_ + go_->lease_left;
  state_.released = true;
  act(Act::publish);
  act(Act::release);
}

// A later stop may shorten an earlier one, never lengthen it.
void Hold::stop(Duration leave, Duration grace) {
  if (!state_.released) {  // nothing of the user's has run: nobody needs time
    state_.stopping = true;
    act(Act::publish);
    return kill();
  }
  const Instant term_at = now_ + leave;
  // A long grace ends with the lease: what the broker grants may come late, the deadline is our
  // own.
  const Instant latest = std::max(state_.deadline, now_ + limits::stop_grace);
  const Instant kill_at = std::min(term_at + grace, latest);
  const bool news = !state_.stopping;
  state_.stopping = true;
  if (!termed_) term_at_ = std::min(term_at_, term_at);
  kill_at_ = std::min(kill_at_, kill_at);
  if (news) act(Act::publish);
  on(TimePassed{});
}

void Hold::kill() {
  killing_ = true;
  act(Act::kill_tree);
}

void Hold::on(const TimePassed&) {
  if (killing_) return act(Act::kill_tree);
  if (now_ >= state_.deadline && !state_.stopping && !planted(103))
    return stop({}, limits::stop_grace);
  if (!termed_ && now_ >= term_at_) {
    termed_ = true;
    act(Act::term);
  }
  if (now_ >= kill_at_) kill();
}

void Hold::on(const TreeEmpty&) {
  if (!killing_) return;  // before the fork, or between the end of setup and the fork
  state_.gone = true;
  for (HeldRank& r : state_.ranks)
    if (r.state == RankState::running)
      r.state = state_.released ? RankState::lost : RankState::not_started;
  act(Act::publish);
  act(Act::finish);
}

}  // namespace weft::worker::hold
