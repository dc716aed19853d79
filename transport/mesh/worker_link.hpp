// A rank's line to its worker: a unix SEQPACKET socket that is opened again, hello first, whenever
// the worker was restarted. Operations never wait for it. Threads: say() from any; everything else
// one at a time (the engine's lock).
#pragma once
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "schemas/rank.hpp"

namespace weft::transport {

class WorkerLink {
 public:
  // An empty path: there is no worker, and nothing is ever said or heard.
  WorkerLink(std::string path, RankHello hello);
  ~WorkerLink();
  WorkerLink(const WorkerLink&) = delete;
  WorkerLink& operator=(const WorkerLink&) = delete;

  // Opens the line when it is down and says what was kept, at most every retry_ms.
  void tick(std::int64_t now);
  std::optional<RankHearsBody> hear();
  // False when it could not be said now. `keep`: it is said once the line is up again.
  bool say(const RankSaysBody& body, bool keep);
  [[nodiscard]] int fd() const { return fd_; }  // -1 while the line is down
  [[nodiscard]] const std::string& trouble() const { return trouble_; }  // why it is down

 private:
  static constexpr std::int64_t retry_ms = 100;
  static constexpr std::size_t kept_max = 8;
  void close();
  void say_kept();
  bool send(const RankSaysBody& body);

  const std::string path_;
  const RankHello hello_;
  std::mutex mutex_;  // fd_ and kept_, against say()
  int fd_ = -1;
  std::int64_t next_try_ = 0;
  std::string trouble_ = "not tried yet";
  std::vector<RankSaysBody> kept_;
  std::vector<std::uint8_t> packet_;
};

}  // namespace weft::transport
