// What has come from sessions and was not looked at yet: each session's messages in their order,
// the sessions in turn. One that sends a thousand costly requests at once delays the others by one.
// Bounded by its user, who stops reading when full(). Thread: one.
#pragma once
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "broker/core/event.hpp"

namespace weft::broker {

class FairQueue {
 public:
  // MessageCame or SessionClosed.
  void add(SessionId session, Event event);
  std::optional<Event> next();
  void drop(const std::vector<SessionId>& sessions);
  bool empty() const { return turns_.empty(); }
  bool full() const { return count_ >= count_max || bytes_ >= bytes_max; }

  static constexpr std::size_t count_max = 8'192, bytes_max = 64 << 20;

 private:
  static std::size_t bytes_of(const Event& event);
  std::map<SessionId, std::deque<Event>> waiting_;  // never an empty list
  std::deque<SessionId> turns_;                     // each waiting session once
  std::size_t count_ = 0, bytes_ = 0;
};

}  // namespace weft::broker
