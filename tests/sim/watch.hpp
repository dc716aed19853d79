// What really happened on the nodes: the workers' own logs, which the broker never sees. Promises
// 1, 4, 5 and 6 are judged here.
#pragma once
#include <map>
#include <set>
#include <string>

#include "schemas/codec.hpp"

namespace weft::sim {

class World;

class Watch {
 public:
  explicit Watch(World& world) : world_(world) {}
  void saw(const std::string& node, Epoch epoch);  // and obeyed
  [[nodiscard]] bool is_stale(const std::string& node, Epoch epoch) const;
  // Ranks are forked and wait; they must be gone by `deadline` of the node's own clock.
  void prepared(const std::string& node, AttemptId attempt, LeaseId lease, Instant deadline);
  void released(const std::string& node, AttemptId attempt, Instant deadline);  // user code starts
  void gone(const std::string& node, AttemptId attempt);  // no process is left
  // An answer that a client has seen.
  void acknowledged(const Principal& principal, const RequestKey& key, const Reply& reply);
  void look();  // deadlines, once a simulated second

  [[nodiscard]] bool was_prepared(const std::string& node, AttemptId attempt) const;
  [[nodiscard]] bool runs(const std::string& node, AttemptId attempt) const;
  [[nodiscard]] std::string remains() const;  // processes that are left somewhere

  Instant revoked_at = never;  // the revocation of the intruder's key was acknowledged

 private:
  struct Entry {
    LeaseId lease;
    Instant deadline;
    bool released = false, gone = false;
  };
  World& world_;
  std::map<std::string, std::map<AttemptId, Entry>> log_;
  std::map<std::string, Epoch> highest_;
  std::map<JobId, std::pair<Principal, RequestKey>> jobs_;
};

}  // namespace weft::sim
