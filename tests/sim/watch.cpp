#include "tests/sim/watch.hpp"

#include "tests/sim/audit.hpp"
#include "tests/sim/world.hpp"

namespace weft::sim {

void Watch::saw(const std::string& node, Epoch epoch) {
  highest_[node] = std::max(highest_[node], epoch);
}

bool Watch::is_stale(const std::string& node, Epoch epoch) const {
  const auto found = highest_.find(node);
  return found != highest_.end() && epoch < found->second;
}

void Watch::prepared(const std::string& node, AttemptId attempt, LeaseId lease, Instant deadline) {
  auto& log = log_[node];
  for (const auto& [id, entry] : log)
    if (!entry.gone && entry.lease != lease)
      world_.fail(fmt::format("1: {} has ranks of lease {} and prepares for lease {}", node,
                              entry.lease.value, lease.value));
  log[attempt] = {lease, deadline};
}

void Watch::released(const std::string& node, AttemptId attempt, Instant deadline) {
  auto& log = log_[node];
  Entry& own = log[attempt];
  for (const auto& [id, entry] : log)
    if (id != attempt && entry.released && !entry.gone)
      world_.fail(
          fmt::format("1: {} runs attempts {} and {} at once", node, id.value, attempt.value));
  if (own.released) world_.fail("4: an attempt was released twice");
  if (!world_.audit->went(attempt)) world_.fail("4: GO reached a worker before it was durable");
  if (own.lease != world_.audit->lease_of(attempt))
    world_.fail("1: an attempt runs under a lease that is not its own");
  for (const std::string& name : world_.audit->gang(attempt))
    if (!was_prepared(name, attempt)) world_.fail("4: a gang was released before it was whole");
  own.released = true;
  own.deadline = deadline;
}

void Watch::gone(const std::string& node, AttemptId attempt) {
  const auto log = log_.find(node);
  if (log == log_.end()) return;
  const auto found = log->second.find(attempt);
  if (found != log->second.end()) found->second.gone = true;
}

void Watch::acknowledged(const Principal& principal, const RequestKey& key, const Reply& reply) {
  const Audit::Answer* answer = world_.audit->answer(principal, key);
  if (!answer) return world_.fail("2: an acknowledgement whose record is not durable");
  if (answer->reply != encode(reply)) return world_.fail("3: one key got two different answers");
  if (const auto* submitted = std::get_if<Submitted>(&reply.body)) {
    const auto [found, added] = jobs_.try_emplace(submitted->job, principal, key);
    if (!added && found->second != std::pair(principal, key))
      world_.fail(fmt::format("3: job {} was given to two requests", submitted->job.value));
  }
}

void Watch::look() {
  for (const auto& [node, log] : log_)
    for (const auto& [attempt, entry] : log)
      if (!entry.gone && world_.now() > entry.deadline)
        world_.fail(fmt::format("6: attempt {} outlives its lease on {}", attempt.value, node));
}

bool Watch::was_prepared(const std::string& node, AttemptId attempt) const {
  const auto log = log_.find(node);
  return log != log_.end() && log->second.contains(attempt);
}

bool Watch::runs(const std::string& node, AttemptId attempt) const {
  const auto log = log_.find(node);
  if (log == log_.end()) return false;
  const auto found = log->second.find(attempt);
  return found != log->second.end() && !found->second.gone;
}

std::string Watch::remains() const {
  for (const auto& [node, log] : log_)
    for (const auto& [attempt, entry] : log)
      if (!entry.gone)
        return fmt::format("{} still has processes of attempt {}", node, attempt.value);
  return {};
}

}  // namespace weft::sim
