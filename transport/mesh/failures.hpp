// Decides when the mesh is broken and who is to blame, from what UCX, the worker and other ranks
// say. Rules: a cause outranks its echo, so a broken connection waits a while for the worker's
// record; a rank that ended well is to blame only if an operation still needs it; the first verdict
// stands. Pure: times are milliseconds of the caller's monotonic clock.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "schemas/worker.hpp"

namespace weft::transport {

class Failures {
 public:
  static constexpr std::int64_t hold_ms = 200;   // for the record behind a broken connection
  static constexpr std::int64_t grace_ms = 100;  // for last messages of a rank that ended well

  // `node_of` names the node of a rank, for verdicts that are not the worker's.
  Failures(std::uint32_t size, std::function<std::string(std::uint32_t)> node_of);

  void connection_broke(std::uint32_t rank, const std::string& what, std::int64_t now);
  void peer_ended(const Blame& who,
                  std::int64_t now);      // the worker's word; code none: it ended well
  void stopped(const StopAttempt& stop);  // the worker's word
  void told(const Blame& blame);          // another rank's verdict
  void found(const Blame& blame);         // this rank's: mismatch, timeout, ...

  enum class Source { worker, rank, self };
  struct Verdict {
    Blame blame;
    Source source{};
    bool ended_well = false;  // the culprit's only fault is to have gone
  };
  // `needed_since`: when the operation under way began; none: nothing is pending.
  [[nodiscard]] std::optional<Verdict> verdict(std::int64_t now,
                                               std::optional<std::int64_t> needed_since) const;
  [[nodiscard]] bool suspicious() const {
    return broken_count_ > 0 || left_count_ > 0 || first_.has_value();
  }

 private:
  struct Peer {
    std::optional<std::int64_t> broke_at, left_at;
    std::string what;
  };
  void settle(Blame blame, Source source);

  std::function<std::string(std::uint32_t)> node_of_;
  std::vector<Peer> peers_;
  std::size_t broken_count_ = 0, left_count_ = 0;
  std::optional<Verdict> first_;
};

}  // namespace weft::transport
