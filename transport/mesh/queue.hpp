// Operations in the order in which they were started, and the pool that they come from.
// Nothing is allocated once as many operations were under way at a time as ever will be.
// Thread: any (own lock).
#pragma once
#include <atomic>
#include <mutex>
#include <vector>

#include "transport/mesh/operation.hpp"

namespace weft::transport {

class Queue {
 public:
  Queue();
  // An operation that nobody else holds, pending.
  Operation take_unused();
  // False when the queue is shut: the operation failed with the error of shut().
  bool push(const Operation& operation);
  // The oldest, null when there is none.
  Operation pop();
  [[nodiscard]] bool empty() const { return size_.load(std::memory_order_acquire) == 0; }
  // From now on everything fails with `error`, what waits included; how many those were.
  int shut(const Error& error);

 private:
  std::mutex mutex_;
  std::vector<Operation> pool_;
  std::size_t next_unused_ = 0;
  std::vector<Operation> ring_;  // size_ entries from first_ on
  std::size_t first_ = 0;
  std::atomic<std::size_t> size_{0};
  bool shut_ = false;
  Error error_;
};

void finish(Work::State& operation);
void finish(Work::State& operation, const Error& error);

}  // namespace weft::transport
