// Follows the output of the ranks of one attempt: for every rank and stream one long poll is always
// on its way, so bytes arrive as they are written and nothing is asked for twice. Owns: its
// outstanding requests (dropped by the destructor). Thread: the client's. Errors: a stream whose
// reading is refused ends; the first refusal is error().
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "client/client.hpp"

namespace weft::client {

class LogFollower {
 public:
  using Sink =
      std::function<void(std::uint32_t rank, bool errors, std::span<const std::uint8_t> data)>;
  struct What {
    JobId job;
    std::uint32_t attempt = 1;  // number; 0: the newest
    std::vector<std::uint32_t> ranks;
    bool follow = true;  // until the ranks are gone; false: what there is now
  };
  LogFollower(Client& client, What what, Sink sink);
  ~LogFollower();
  LogFollower(const LogFollower&) = delete;
  LogFollower& operator=(const LogFollower&) = delete;

  bool done() const { return open_ == 0; }
  // Do not wait for bytes that are not there: used once the job has ended.
  void finish() { what_.follow = false; }
  const Error& error() const { return error_; }

 private:
  struct Stream {
    std::uint32_t rank = 0;
    bool errors = false, ended = false;
    std::uint64_t offset = 0;
    RequestKey key;
  };
  void ask(Stream& stream);
  void take(Stream& stream, Result<ReplyBody> reply);
  void end(Stream& stream);

  Client& client_;
  What what_;
  Sink sink_;
  std::vector<Stream> streams_;  // never resized after the constructor
  std::size_t open_ = 0;
  Error error_;
};

}  // namespace weft::client
