#include "broker/shell/fair_queue.hpp"

#include <utility>

namespace weft::broker {

std::size_t FairQueue::bytes_of(const Event& event) {
  const auto* message = std::get_if<MessageCame>(&event);
  return message == nullptr ? 0 : message->raw.size();
}

void FairQueue::add(SessionId session, Event event) {
  ++count_;
  bytes_ += bytes_of(event);
  auto& list = waiting_[session];
  if (list.empty()) turns_.push_back(session);
  list.push_back(std::move(event));
}

std::optional<Event> FairQueue::next() {
  while (!turns_.empty()) {
    const SessionId session = turns_.front();
    turns_.pop_front();
    const auto at = waiting_.find(session);
    if (at == waiting_.end()) continue;  // was dropped
    Event event = std::move(at->second.front());
    at->second.pop_front();
    if (at->second.empty())
      waiting_.erase(at);
    else
      turns_.push_back(session);
    --count_;
    bytes_ -= bytes_of(event);
    return event;
  }
  return std::nullopt;
}

void FairQueue::drop(const std::vector<SessionId>& sessions) {
  for (const SessionId session : sessions) {
    const auto at = waiting_.find(session);
    if (at == waiting_.end()) continue;
    for (const Event& event : at->second) {
      --count_;
      bytes_ -= bytes_of(event);
    }
    waiting_.erase(at);
  }
}

}  // namespace weft::broker
