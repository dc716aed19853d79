#include "broker/shell/gateway/sessions.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace weft::broker {

bool RateLimit::admit(std::uint64_t now_ns) {
  constexpr std::uint64_t cost_ns = 1'000'000'000 / limits::requests_per_second_max;
  constexpr std::uint64_t depth_ns = cost_ns * limits::requests_burst_max;
  const std::uint64_t level = std::max(full_until_ns_, now_ns);
  if (level - now_ns > depth_ns) return false;
  full_until_ns_ = level + cost_ns;
  return true;
}

Session& Sessions::open(std::uint32_t number, int fd, const Principal& key, std::string_view user) {
  Session session;
  session.id = base_ | ++count_;
  session.number = number;
  session.fd = fd;
  session.key = key;
  session.user = user;
  session.rate = &rates_[key];
  by_id_[session.id] = number;
  if (fd >= 0) {
    if (by_fd_.size() <= static_cast<std::size_t>(fd))
      by_fd_.resize(static_cast<std::size_t>(fd) + 1);
    by_fd_[static_cast<std::size_t>(fd)] = session.id;
  }
  const auto [at, fresh] = by_number_.emplace(number, std::move(session));
  WEFT_ASSERT(fresh, "one session per connection");
  return at->second;
}

void Sessions::close(std::uint64_t id) {
  const auto at = by_id_.find(id);
  if (at == by_id_.end()) return;
  const auto session = by_number_.find(at->second);
  const auto fd = static_cast<std::size_t>(session->second.fd);
  if (session->second.fd >= 0 && by_fd_[fd] == id) by_fd_[fd] = 0;
  by_number_.erase(session);
  by_id_.erase(at);
}

Session* Sessions::by_number(std::uint32_t number) {
  const auto at = by_number_.find(number);
  return at == by_number_.end() ? nullptr : &at->second;
}
Session* Sessions::by_id(std::uint64_t id) {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : by_number(at->second);
}
Session* Sessions::by_fd(int fd) {
  if (fd < 0 || static_cast<std::size_t>(fd) >= by_fd_.size() ||
      by_fd_[static_cast<std::size_t>(fd)] == 0)
    return nullptr;
  return by_id(by_fd_[static_cast<std::size_t>(fd)]);
}

std::vector<std::uint64_t> Sessions::take_heard() {
  std::vector<std::uint64_t> heard;
  for (auto& [number, session] : by_number_)
    if (session.heard) {
      session.heard = false;
      heard.push_back(session.id);
    }
  std::ranges::sort(heard);
  return heard;
}

}  // namespace weft::broker
