// What is due when. Timers are soft: each follows from durable state or from a waiting request, and
// is set again after a restart. Setting one replaces it. Thread: one.
#pragma once
#include <map>
#include <optional>
#include <set>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace weft::broker {

enum class TimerKind : std::uint8_t {
  offer,         // its window begins or ends
  quote,         // its reservation is over
  lease_stop,    // its gang must be told to stop, or its end is reached
  lease_broken,  // a node of it has been gone for too long
  job_start_by,  // give up waiting
  job_retry,     // back-off is over
  attempt_end,   // of a job on a lease that lasts longer
  prepare,       // not everybody is prepared
  repeat,        // say orders again that nobody has shown to have heard
  blame,         // no better explanation came
  silence,       // a worker was not heard from
  quarantine,    // a node may be used again
  wait,          // a waiting request is answered as it is
  ticket,        // a worker did not answer for its log
  slice,         // of a lease: it was not delivered in time
  driver,        // ask the fabric driver again
  probe,         // of a lease's slice: it took too long, or is to begin again
  hour           // full hour: post what was metered
};

struct TimerId {
  TimerKind kind{};
  std::uint64_t id = 0;
  auto operator<=>(const TimerId&) const = default;
};

class Timers {
 public:
  struct Due {
    TimerId timer;
    Instant at;
  };
  void set(TimerId timer, Instant at) {
    cancel(timer);
    if (at == never) return;
    at_[timer] = at;
    order_.insert({at, timer});
  }
  void cancel(TimerId timer) {
    const auto it = at_.find(timer);
    if (it == at_.end()) return;
    order_.erase({it->second, timer});
    at_.erase(it);
  }
  bool set_already(TimerId timer) const { return at_.contains(timer); }
  Instant next() const { return order_.empty() ? never : order_.begin()->first; }
  std::optional<Due> take_due(Instant now) {
    if (order_.empty() || order_.begin()->first > now) return {};
    const auto [at, timer] = *order_.begin();
    order_.erase(order_.begin());
    at_.erase(timer);
    return Due{timer, at};
  }

 private:
  std::map<TimerId, Instant> at_;
  std::set<std::pair<Instant, TimerId>> order_;
};

}  // namespace weft::broker
