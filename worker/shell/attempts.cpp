#include "worker/shell/attempts.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "base/log.hpp"
#include "worker/shell/attempt_dir.hpp"
#include "worker/shell/cgroup.hpp"
#include "worker/shell/channel.hpp"
#include "worker/shell/clock.hpp"
#include "worker/shell/log_file.hpp"
#include "worker/shell/process_tree.hpp"

namespace weft::worker {

Attempts::Attempts(const Options& options, Launcher& launcher, Hooks hooks)
    : options_(options), launcher_(launcher), hooks_(std::move(hooks)) {}

std::vector<AttemptId> Attempts::forgotten_on_disk() const {
  std::vector<AttemptId> out;
  for (const AttemptId id : list_attempts(options_))
    if (is_forgotten(options_, id)) out.push_back(id);
  return out;
}

void Attempts::adopt_all() {
  for (const AttemptId id : list_attempts(options_)) {
    if (is_forgotten(options_, id))
      old_.emplace_back(id, bytes_of_attempt(options_, id));
    else
      adopt(id);
  }
  prune();
}

namespace {

// A launch that was under way when the last worker died needs a moment to listen or to end.
Result<Fd> find_holder(const Options& options, AttemptId attempt) {
  const std::string path = options.attempt_dir(attempt);
  for (int tries = 0;; ++tries) {
    auto link = connect_at(path, "holder.sock");
    const bool has_state = load_state(options, attempt).has_value();
    if (link || has_state || tries == 40) return link;
    ::poll(nullptr, 0, 5);
  }
}

HolderState never_launched(const Prepare& order) {
  HolderState state;
  state.attempt = order.attempt;
  state.boot = boot_id();
  state.code = Code::launch_refused;
  state.detail = "the worker was killed before it could launch it";
  state.gone = true;
  for (std::uint32_t i = 0; i < order.spec.ranks_per_node; ++i) {
    HeldRank r;
    r.rank = order.node_index * order.spec.ranks_per_node + i;
    r.state = RankState::not_started;
    state.ranks.push_back(r);
  }
  return state;
}

}  // namespace

void Attempts::adopt(AttemptId attempt) {
  const auto order = load_order(options_, attempt);
  if (!order) {
    log::error("{}; attempt {} can't be adopted and is given up", to_string(order.error()),
               attempt.value);
    mark_forgotten(options_, attempt);
    return;
  }
  Live& live = live_[attempt];
  live.order = *order;
  hooks_.happened(Adopted{*order});
  auto link = find_holder(options_, attempt);
  const auto stored = load_state(options_, attempt);
  live.state = stored ? *stored : never_launched(*order);
  if (link) {
    log::info("attempt {} of job {} runs on here: adopted", attempt.value, order->job.value);
    connect(live, std::move(*link));
    if (stored) heard(live, *stored);
  } else if (!stored) {
    (void)store_state(options_, live.state);
    heard(live, live.state);
  } else if (stored->gone) {
    heard(live, *stored);
  } else {
    holder_lost(live);
  }
}

// Its ranks die with it (PR_SET_PDEATHSIG); what they had forked may not.
void Attempts::holder_lost(Live& live) {
  disconnect(live);
  HolderState state = load_state(options_, live.order.attempt).value_or(never_launched(live.order));
  if (!state.gone && state.boot == boot_id()) {
    log::warn("attempt {}: its holder (process {}) is gone; killing what is left",
              state.attempt.value, state.pid);
    std::vector<pid_t> sessions;
    for (int tries = 0; tries < 200; ++tries) {
      if (!state.cgroup.empty()) kill_cgroup(state.cgroup);
      sessions.clear();
      for (const HeldRank& r : state.ranks) {
        if (r.pid == 0) continue;
        kill_exactly(static_cast<pid_t>(r.pid), r.started);
        sessions.push_back(static_cast<pid_t>(r.pid));
      }
      if (kill_strays(sessions, std::to_string(state.attempt.value), options_.socket)) break;
      ::poll(nullptr, 0, 5);
    }
    if (!state.cgroup.empty()) remove_cgroup(state.cgroup);
  }
  for (HeldRank& r : state.ranks)
    if (r.state == RankState::running)
      r.state = state.released ? RankState::lost : RankState::not_started;
  if (!state.released && state.code == Code::none) {
    state.code = Code::launch_refused;
    state.detail = "its holder was killed";
  }
  state.gone = true;
  (void)store_state(options_, state);
  heard(live, std::move(state));
}

void Attempts::heard(Live& live, HolderState state) {
  live.state = std::move(state);
  HolderTold told;
  told.attempt = live.order.attempt;
  told.prepared = live.state.prepared;
  told.code = live.state.code;
  told.detail = live.state.detail;
  told.released = live.state.released;
  told.gone = live.state.gone;
  for (const HeldRank& r : live.state.ranks) {
    if (r.state == RankState::running) continue;
    auto [end, news] = live.ends.try_emplace(r.rank);
    if (news) {
      end->second = {r.rank, r.state, r.status, r.out_of_memory,
                     last_lines(options_, live.order.attempt, r.rank)};
      if (r.state == RankState::not_started && !r.detail.empty()) end->second.last_lines = r.detail;
    }
    told.ended.push_back(end->second);
  }
  hooks_.happened(std::move(told));
}

void Attempts::connect(Live& live, Fd link) {
  live.link = std::move(link);
  by_fd_[live.link.get()] = live.order.attempt;
  hooks_.watch(live.link.get());
}
void Attempts::disconnect(Live& live) {
  if (!live.link) return;
  hooks_.unwatch(live.link.get());
  by_fd_.erase(live.link.get());
  live.link.reset();
}

void Attempts::launch(const Prepare& order, Instant now) {
  Live& live = live_[order.attempt];
  live.order = order;
  live.state = never_launched(order);
  live.state.detail.clear();
  const auto refuse = [&](const Error& error) {
    live.state.code = Code::launch_refused;
    live.state.detail = to_string(error);
    (void)store_state(options_, live.state);
    heard(live, live.state);
  };
  if (const auto stored = store_order(options_, order); !stored) return refuse(stored.error());
  auto link = launcher_.launch(order.attempt, now + order.lease_left);
  if (!link) return refuse(link.error());
  for (HeldRank& r : live.state.ranks) r.state = RankState::running;
  connect(live, std::move(*link));
}

void Attempts::tell(AttemptId attempt, const HolderOrderBody& body) {
  const auto found = live_.find(attempt);
  if (found == live_.end() || !found->second.link) return;
  Envelope envelope;
  envelope.body = HolderOrder{body};
  if (const auto sent = send_envelope(found->second.link.get(), envelope); !sent)
    log::warn("to the holder of attempt {}: {}", attempt.value, to_string(sent.error()));
}

void Attempts::readable(int fd) {
  while (by_fd_.contains(fd)) {
    Live& live = live_.at(by_fd_.at(fd));
    Envelope envelope;
    Error error;
    switch (receive_envelope(fd, envelope, error)) {
      case Received::nothing: return;
      case Received::bad:
        log::error("from the holder of attempt {}: {}", live.order.attempt.value, to_string(error));
        [[fallthrough]];
      case Received::closed:
        if (live.state.gone) return disconnect(live);
        return holder_lost(live);
      case Received::message: break;
    }
    if (auto* state = std::get_if<HolderState>(&envelope.body)) heard(live, std::move(*state));
  }
}

void Attempts::drop(AttemptId attempt) {
  const auto found = live_.find(attempt);
  if (found == live_.end()) return;
  disconnect(found->second);
  live_.erase(found);
  mark_forgotten(options_, attempt);
  old_.emplace_back(attempt, bytes_of_attempt(options_, attempt));
  prune();
}

// Logs of ended attempts stay readable up to a number and a size, then the oldest go.
void Attempts::prune() {
  std::uint64_t bytes = 0;
  for (const auto& [id, size] : old_) bytes += size;
  while (!old_.empty() &&
         (old_.size() > limits::attempt_logs_kept || bytes > limits::attempt_log_bytes_kept)) {
    const auto [id, size] = old_.front();
    if (const auto order =
            load_order(options_, id))  // its job's directory, if it left nothing there
      ::rmdir((options_.job_root + "/" + std::to_string(order->job.value)).c_str());
    remove_attempt(options_, id);
    bytes -= size;
    old_.pop_front();
  }
}

std::optional<RankIdentity> Attempts::rank_of(pid_t first_process) const {
  for (const auto& [id, live] : live_) {
    if (live.state.gone) continue;
    for (const HeldRank& r : live.state.ranks)
      if (r.pid != 0 && static_cast<pid_t>(r.pid) == first_process) return RankIdentity{id, r.rank};
  }
  return std::nullopt;
}

uid_t Attempts::user_of(AttemptId attempt) const {
  const auto found = live_.find(attempt);
  return options_.job_users && found != live_.end() ? options_.job_uid(found->second.order.job)
                                                    : ::getuid();
}

bool Attempts::ended(AttemptId attempt, std::uint32_t rank) const {
  const auto found = live_.find(attempt);
  if (found == live_.end()) return true;
  for (const HeldRank& r : found->second.state.ranks)
    if (r.rank == rank) return r.state != RankState::running;
  return true;
}

}  // namespace weft::worker
