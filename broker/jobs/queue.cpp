#include "broker/jobs/queue.hpp"

namespace weft::broker::jobs {

void Queue::insert(const std::string& account, QueueKey key) {
  if (accounts_[account].insert(key).second) ++size_;
}

void Queue::erase(const std::string& account, QueueKey key) {
  const auto it = accounts_.find(account);
  if (it == accounts_.end() || it->second.erase(key) == 0) return;
  --size_;
  if (it->second.empty()) accounts_.erase(it);
}

std::vector<JobId> Queue::first(std::size_t count,
                                const std::map<std::string, std::int64_t>& usage) const {
  using Position = std::set<QueueKey>::const_iterator;
  struct Cursor {
    std::int64_t usage;
    JobId head;
    const std::set<QueueKey>* jobs;
    Position next;
    bool operator<(const Cursor& o) const {
      return usage != o.usage ? usage < o.usage : head < o.head;
    }
  };
  std::set<Cursor> cursors;  // heads are distinct, so no two compare equal
  for (const auto& [account, jobs] : accounts_) {
    const auto used = usage.find(account);
    cursors.insert(
        {used == usage.end() ? 0 : used->second, jobs.begin()->job, &jobs, jobs.begin()});
  }
  std::vector<JobId> out;
  while (out.size() < count && !cursors.empty()) {
    Cursor c = *cursors.begin();
    cursors.erase(cursors.begin());
    out.push_back(c.head);
    if (++c.next == c.jobs->end()) continue;
    c.head = c.next->job;
    cursors.insert(c);
  }
  return out;
}

}  // namespace weft::broker::jobs
