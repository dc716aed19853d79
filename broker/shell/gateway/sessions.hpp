// The gateway's connections as the core knows them: numbers, each with the key that CURVE proved.
// Pure bookkeeping, no socket. Thread: one.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "base/limits.hpp"

namespace weft::broker {

// How fast one key may talk, over all its connections: a level that drains at
// requests_per_second_max and holds requests_burst_max.
class RateLimit {
 public:
  bool admit(std::uint64_t now_ns);

 private:
  std::uint64_t full_until_ns_ = 0;  // when everything admitted so far will have drained
};

struct Session {
  std::uint64_t id = 0;      // what the core calls it
  std::uint32_t number = 0;  // what the ROUTER calls it
  int fd = -1;
  Principal key;
  std::string user;  // the key as ZAP wrote it
  RateLimit* rate = nullptr;
  Incarnation incarnation;  // of the newest report that was forwarded
  bool heard = false;       // since the last alive batch
  std::uint32_t unanswered = 0;
  std::uint32_t offences = 0;
  std::uint64_t close_at_ns = 0;  // being closed: once what was sent had time to leave
};

class Sessions {
 public:
  explicit Sessions(std::uint64_t base) : base_(base) {}

  Session& open(std::uint32_t number, int fd, const Principal& key, std::string_view user);
  void close(std::uint64_t id);
  Session* by_number(std::uint32_t number);
  Session* by_id(std::uint64_t id);
  Session* by_fd(int fd);
  std::size_t size() const { return by_number_.size(); }
  // Numbers of the sessions heard from since the last call.
  std::vector<std::uint64_t> take_heard();
  template <class F>
  void each(F&& f) {
    for (auto& [number, session] : by_number_) f(session);
  }

 private:
  const std::uint64_t base_;
  std::uint64_t count_ = 0;
  std::unordered_map<std::uint32_t, Session> by_number_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_id_;
  std::vector<std::uint64_t> by_fd_;  // session id; 0: none
  std::map<Principal, RateLimit>
      rates_;  // kept when a session closes: a new one starts no new account
};

}  // namespace weft::broker
