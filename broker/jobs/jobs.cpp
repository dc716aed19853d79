#include "broker/jobs/jobs.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.hpp"
#include "base/planted.hpp"

namespace weft::broker::jobs {

bool AttemptBook::runs_on(NodeId node) const {
  return !cleared.contains(node) &&
         std::find(attempt.nodes.begin(), attempt.nodes.end(), node) != attempt.nodes.end();
}
std::uint32_t AttemptBook::first_rank_on(NodeId node) const {
  const auto it = std::find(attempt.nodes.begin(), attempt.nodes.end(), node);
  return static_cast<std::uint32_t>(it - attempt.nodes.begin()) * ranks_per_node;
}
bool AttemptBook::every_rank_ended_on(NodeId node) const {
  const std::uint32_t first = first_rank_on(node);
  for (std::uint32_t r = first; r < first + ranks_per_node; ++r)
    if (!ends.contains(r)) return false;
  return true;
}

const Job* Jobs::find(JobId id) const {
  const auto it = jobs_.find(id);
  return it == jobs_.end() ? nullptr : &it->second;
}
const Job& Jobs::at(JobId id) const {
  const Job* job = find(id);
  WEFT_ASSERT(job, fmt::format("job {}", id.value));
  return *job;
}
const AttemptBook* Jobs::find(AttemptId id) const {
  const auto it = attempts_.find(id);
  return it == attempts_.end() ? nullptr : &it->second;
}
const AttemptBook& Jobs::at(AttemptId id) const {
  const AttemptBook* book = find(id);
  WEFT_ASSERT(book, fmt::format("attempt {}", id.value));
  return *book;
}
const std::vector<AttemptId>& Jobs::attempts_of(JobId job) const {
  static const std::vector<AttemptId> none;
  const auto it = attempts_of_.find(job);
  return it == attempts_of_.end() ? none : it->second;
}
const std::set<JobId>& Jobs::of_account(const std::string& account) const {
  static const std::set<JobId> none;
  const auto it = of_account_.find(account);
  return it == of_account_.end() ? none : it->second;
}
AttemptId Jobs::on_node(NodeId node) const {
  const auto it = on_node_.find(node);
  return it == on_node_.end() ? AttemptId{} : it->second;
}
AttemptId Jobs::using_lease(LeaseId lease) const {
  const auto it = using_lease_.find(lease);
  return it == using_lease_.end() ? AttemptId{} : it->second;
}

JobId Jobs::job_on(LeaseId lease) const {
  if (const AttemptId attempt = using_lease(lease)) return at(attempt).attempt.job;
  const auto it = holding_lease_.find(lease);
  return it == holding_lease_.end() ? JobId{} : it->second;
}

// In the queue, or on its lease.
void Jobs::take_place(const Job& job) {
  if (job.state == JobState::queued)
    enqueue(job);
  else if (job.lease && !weft::ended(job.state))
    holding_lease_[job.lease] = job.id;
}

void Jobs::enqueue(const Job& job) {
  const QueueKey key{job.spec.priority, job.id};
  if (job.spec.use_lease)
    on_lease_[job.spec.use_lease].insert(key);
  else
    queue_.insert(job.account, key);
}
void Jobs::dequeue(const Job& job) {
  const QueueKey key{job.spec.priority, job.id};
  if (!job.spec.use_lease) return queue_.erase(job.account, key);
  const auto it = on_lease_.find(job.spec.use_lease);
  if (it == on_lease_.end()) return;
  it->second.erase(key);
  if (it->second.empty()) on_lease_.erase(it);
}

void Jobs::index(const Job& job) {
  of_account_[job.account].insert(job.id);
  if (weft::ended(job.state))
    ended_.insert({job.ended_at, job.id});
  else
    live_.insert(job.id);
  take_place(job);
}

void Jobs::submit(const Job& job) {
  WEFT_ASSERT(planted(12) || !find(job.id), fmt::format("job {} exists", job.id.value));
  jobs_[job.id] = job;
  index(job);
}

void Jobs::move(const JobMoved& fact) {
  const auto it = jobs_.find(fact.job);
  WEFT_ASSERT(it != jobs_.end(), fmt::format("job {}", fact.job.value));
  Job& job = it->second;
  WEFT_ASSERT(
      reachable(job.state, fact.state),
      fmt::format("job {}: {} to {}", job.id.value, to_string(job.state), to_string(fact.state)));
  if (job.state == JobState::queued) dequeue(job);
  if (const auto held = holding_lease_.find(job.lease);
      held != holding_lease_.end() && held->second == job.id)
    holding_lease_.erase(held);
  job.state = fact.state;
  job.cause = fact.cause;
  job.retry_at = fact.retry_at;
  job.lease = fact.lease;
  job.attempt = fact.attempt;
  job.restarts = fact.restarts;
  job.exit_code = fact.exit_code;
  if (!fact.text.empty()) {
    if (job.timeline.size() >= limits::timeline_entries_max)  // keep how it began, and the newest
      job.timeline.erase(job.timeline.begin() + limits::timeline_entries_max / 2);
    job.timeline.push_back({fact.at, fact.text});
  }
  if (job.state == JobState::running && job.started_at == Instant{}) job.started_at = fact.at;
  take_place(job);
  if (!weft::ended(job.state)) return;
  job.ended_at = fact.at;
  live_.erase(job.id);
  ended_.insert({job.ended_at, job.id});
  if (ended_.size() > limits::jobs_ended_kept) drop_oldest();
}

void Jobs::drop_oldest() {
  // A job's last attempt may still be clearing its nodes: such a job stays until that is over.
  auto oldest = ended_.begin();
  while (oldest != ended_.end() && live_attempts_.contains(at(oldest->second).attempt)) ++oldest;
  if (oldest == ended_.end()) return;
  const JobId id = oldest->second;
  ended_.erase(oldest);
  for (const AttemptId a : attempts_of(id)) {
    // A node that never came back: when it does, its worker says what it holds.
    for (const NodeId node : attempts_.at(a).attempt.nodes)
      if (on_node(node) == a) on_node_.erase(node);
    attempts_.erase(a);
  }
  attempts_of_.erase(id);
  const std::string account = at(id).account;
  of_account_[account].erase(id);
  if (of_account_[account].empty()) of_account_.erase(account);
  jobs_.erase(id);
}

void Jobs::make(const Attempt& attempt) {
  Job& job = jobs_.find(attempt.job)->second;
  for (const AttemptId before : attempts_of_[job.id]) attempts_[before].ends.clear();
  AttemptBook& book = attempts_[attempt.id];
  book.attempt = attempt;
  book.ranks_per_node = job.spec.ranks_per_node;
  attempts_of_[job.id].push_back(attempt.id);
  live_attempts_.insert(attempt.id);
  for (const NodeId node : attempt.nodes) {
    WEFT_ASSERT(planted(5) || !on_node(node),
                fmt::format("attempt {} on node {}, which still has attempt {}", attempt.id.value,
                            node.value, on_node(node).value));
    on_node_[node] = attempt.id;
  }
  using_lease_[attempt.lease] = attempt.id;
  ++job.attempts;
  job.attempt = attempt.id;
}

void Jobs::move(const AttemptMoved& fact) {
  AttemptBook& book = attempts_.find(fact.attempt)->second;
  Attempt& a = book.attempt;
  WEFT_ASSERT(
      reachable(a.state, fact.state),
      fmt::format("attempt {}: {} to {}", a.id.value, to_string(a.state), to_string(fact.state)));
  a.state = fact.state;
  a.outcome = fact.outcome;
  a.cause = fact.cause;
  a.blame = fact.blame;
  if (a.state == AttemptState::running) a.go_at = fact.at;
  if (a.state != AttemptState::ended) return;
  a.ended_at = fact.at;
  live_attempts_.erase(a.id);
  if (using_lease(a.lease) == a.id) using_lease_.erase(a.lease);
}

void Jobs::end(const RankEnded& fact) {
  AttemptBook& book = attempts_.find(fact.attempt)->second;
  book.ends[fact.end.rank] = fact.end;
  book.attempt.ranks_ended = static_cast<std::uint32_t>(book.ends.size());
}

void Jobs::clear(const NodeCleared& fact) {
  if (const auto it = attempts_.find(fact.attempt); it != attempts_.end())
    it->second.cleared.insert(fact.node);
  if (on_node(fact.node) == fact.attempt) on_node_.erase(fact.node);
}

void Jobs::restore(const std::vector<Job>& jobs, const std::vector<Attempt>& attempts,
                   const std::vector<Cleared>& cleared) {
  *this = {};
  for (const Job& job : jobs) {
    jobs_[job.id] = job;
    index(job);
  }
  for (const Attempt& a : attempts) {
    AttemptBook& book = attempts_[a.id];
    book.attempt = a;
    book.ranks_per_node = at(a.job).spec.ranks_per_node;
    attempts_of_[a.job].push_back(a.id);
    if (a.state == AttemptState::ended) continue;
    live_attempts_.insert(a.id);
    using_lease_[a.lease] = a.id;
  }
  for (const Cleared& c : cleared) {
    AttemptBook& book = attempts_[c.attempt];
    book.cleared.insert(c.nodes.begin(), c.nodes.end());
    for (const RankEnd& end : c.ends) book.ends[end.rank] = end;
  }
  for (const auto& [id, book] : attempts_)  // ascending: a later attempt on a node wins
    for (const NodeId node : book.attempt.nodes)
      if (!book.cleared.contains(node)) on_node_[node] = id;
}

}  // namespace weft::broker::jobs
