#include "broker/fabric/simulate/simulate.hpp"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <optional>

#include "broker/fabric/heal/rehome.hpp"
#include "broker/fabric/simulate/checker.hpp"
#include "broker/fabric/simulate/meter.hpp"

namespace weft::broker::fabric {
namespace {

constexpr std::int64_t no_time = std::numeric_limits<std::int64_t>::max();

class Cluster {
 public:
  Cluster(const Tree& tree, const Trace& trace, Policy policy, const SimulationOptions& options)
      : trace_(trace),
        options_(options),
        allocator_(policy),
        free_(tree),
        referee_(tree),
        meter_(tree, options.missing),
        owns_links_(policy != Policy::baseline),
        pause_s_(options.rehome_pause_s) {
    free_.take(options.missing);
  }

  SimulationReport run() {
    for (;;) {
      while (arrived_ < trace_.size() && trace_[arrived_].arrival_s <= now_)
        queue_.push_back(arrived_++);
      schedule();
      meter_.at(now_, !queue_.empty());
      const std::int64_t arrival = arrived_ < trace_.size() ? trace_[arrived_].arrival_s : no_time;
      const std::int64_t end = running_.empty() ? no_time : running_.begin()->first;
      if (running_.empty() && !queue_.empty()) {
        ++never_;  // nothing runs and it does not fit: it never will, and holds up nobody
        queue_.pop_front();
        continue;
      }
      if (arrival == no_time && end == no_time) break;
      now_ = std::min(arrival, end);
      while (!running_.empty() && running_.begin()->first == now_) finish();
    }
    return report();
  }

 private:
  std::optional<Cut> decide(const Masks& masks, const TraceJob& job, std::int64_t at) {
    const std::uint64_t begin = options_.clock_ns ? options_.clock_ns() : 0;
    auto cut = allocator_.cut(masks, job.size, Term{at, at + job.runtime_s});
    if (options_.clock_ns)
      meter_.decided(cut ? static_cast<std::size_t>(cut->shape) : outcomes - 1,
                     options_.clock_ns() - begin);
    return cut;
  }

  void start(std::size_t index, Cut cut) {
    const TraceJob& job = trace_[index];
    free_.take(cut, now_ + job.runtime_s);
    referee_.start(cut, owns_links_);
    meter_.add(now_, cut, +1);
    meter_.started(now_);
    makespan_ = std::max(makespan_, now_ + job.runtime_s);
    running_.emplace(now_ + job.runtime_s, std::move(cut));
    ++started_;
    if (options_.progress) options_.progress(started_, trace_.size());
  }

  void finish() {
    const Cut cut = std::move(running_.begin()->second);
    running_.erase(running_.begin());
    free_.give_back(cut);
    referee_.end(cut, owns_links_);
    meter_.add(now_, cut, -1);
  }

  void schedule() {
    while (!queue_.empty()) {
      const TraceJob& job = trace_[queue_.front()];
      auto cut = decide(free_, job, now_);
      if (!cut) {
        meter_.refused(allocator_.why(free_, job.size));
        if (pause_s_ > 0 && make_room(job)) continue;
        if (options_.lookahead > 0) backfill();
        meter_.sample(allocator_, free_);
        return;
      }
      const std::size_t index = queue_.front();
      queue_.pop_front();
      start(index, std::move(*cut));
    }
  }

  struct Reservation {
    std::int64_t at = no_time;
    std::optional<Cut> cut;
  };
  // True: the head fits now.
  bool make_room(const TraceJob& job) {
    if (free_.free_hosts() < job.size) return false;
    const Reservation wait = reserve(job);
    if (!wait.cut) return false;
    // What is won is the head's wait; half of it at most is spent.
    const std::int64_t won = static_cast<std::int64_t>(job.size) * (wait.at - now_);
    const std::int64_t moved_max = won / 2 / pause_s_;
    if (moved_max < 1) return false;
    std::vector<Running> running;
    for (const auto& [end, cut] : running_) running.push_back({cut, {now_, end}});
    const auto plan = rehome(allocator_, free_, running, job.size, {now_, now_ + job.runtime_s},
                             static_cast<std::uint64_t>(moved_max));
    if (!plan) return false;
    std::vector<decltype(running_)::iterator> at;
    for (auto it = running_.begin(); it != running_.end(); ++it) at.push_back(it);
    for (const Rehoming::Move& move : plan->moves) take_away(at[move.which]);
    for (const Rehoming::Move& move : plan->moves) {
      const std::int64_t end = running[move.which].term.end_s + pause_s_;
      free_.take(move.to, end);
      referee_.start(move.to, owns_links_);
      meter_.add(now_, move.to, +1);
      makespan_ = std::max(makespan_, end);
      running_.emplace(end, move.to);
    }
    moves_ += plan->moves.size();
    paused_ += static_cast<double>(plan->moved_hosts) * static_cast<double>(pause_s_);
    return true;
  }

  void take_away(std::multimap<std::int64_t, Cut>::iterator it) {
    free_.give_back(it->second);
    referee_.end(it->second, owns_links_);
    meter_.add(now_, it->second, -1);
    running_.erase(it);
  }

  Reservation reserve(const TraceJob& job) {
    Masks later = free_;
    for (auto it = running_.begin(); it != running_.end();) {
      const std::int64_t end = it->first;
      for (; it != running_.end() && it->first == end; ++it) later.give_back(it->second);
      if (later.free_hosts() < job.size) continue;
      if (auto cut = decide(later, job, end)) return {end, std::move(cut)};
    }
    return {};
  }

  void backfill() {
    const Reservation head = reserve(trace_[queue_.front()]);
    const auto shielded = [&] {
      Masks out = free_;
      if (head.cut) out.shield(*head.cut);
      return out;
    };
    Masks beside = shielded();
    std::size_t place = 1;
    for (std::uint32_t looked = 0; looked < options_.lookahead && place < queue_.size(); ++looked) {
      const TraceJob& job = trace_[queue_[place]];
      const bool before = now_ + job.runtime_s <= head.at;
      const Masks& masks = before ? free_ : beside;
      std::optional<Cut> cut;
      if (masks.free_hosts() >= job.size) cut = decide(masks, job, now_);
      if (!cut) {
        ++place;
        continue;
      }
      const std::size_t index = queue_[place];
      queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(place));
      start(index, std::move(*cut));
      beside = shielded();
    }
  }

  SimulationReport report() {
    SimulationReport out = meter_.report();
    out.jobs = trace_.size();
    out.started = started_;
    out.never = never_;
    out.moves = moves_;
    const std::int64_t window = out.last_start_s - out.first_wait_s;
    const std::uint32_t there = free_.tree().hosts() - options_.missing.hosts();
    if (window > 0)
      out.paused = 100 * paused_ / (static_cast<double>(window) * static_cast<double>(there));
    out.makespan_s = makespan_;
    out.shared_hosts = referee_.shared_hosts();
    out.shared_links = referee_.shared_links();
    out.illegal = referee_.problems();
    return out;
  }

  const Trace& trace_;
  const SimulationOptions& options_;
  Allocator allocator_;
  Masks free_;
  Checker referee_;
  Meter meter_;
  bool owns_links_;
  std::int64_t pause_s_;
  std::deque<std::size_t> queue_;
  std::multimap<std::int64_t, Cut> running_;  // by end time
  std::int64_t now_ = 0, makespan_ = 0;
  std::size_t arrived_ = 0, started_ = 0, never_ = 0;
  std::uint64_t moves_ = 0;
  double paused_ = 0;  // host seconds
};

}  // namespace

SimulationReport simulate(const Tree& tree, const Trace& trace, Policy policy,
                          const SimulationOptions& options) {
  return Cluster(tree, trace, policy, options).run();
}

}  // namespace weft::broker::fabric
