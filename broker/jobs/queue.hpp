// The order in which queued jobs are considered: between accounts, who has been billed least comes
// first; within an account, priority; then the order of submission.
// Thread: one. Insert and erase cost O(log n); a walk costs O(log accounts) a job.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/ids.hpp"

namespace weft::broker::jobs {

struct QueueKey {  // within an account
  std::int32_t priority = 0;
  JobId job;
  friend bool operator<(const QueueKey& a, const QueueKey& b) {
    return a.priority != b.priority ? a.priority > b.priority : a.job < b.job;
  }
};

class Queue {
 public:
  bool empty() const { return accounts_.empty(); }
  std::size_t size() const { return size_; }
  void insert(const std::string& account, QueueKey key);
  void erase(const std::string& account, QueueKey key);
  const std::map<std::string, std::set<QueueKey>>& accounts() const { return accounts_; }

  // Jobs in order. Valid until the queue changes, so collect before acting: see `first`.
  // usage: billed quantity by account; missing means 0.
  std::vector<JobId> first(std::size_t count,
                           const std::map<std::string, std::int64_t>& usage) const;

 private:
  std::map<std::string, std::set<QueueKey>> accounts_;  // no empty sets
  std::size_t size_ = 0;
};

}  // namespace weft::broker::jobs
