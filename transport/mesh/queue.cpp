#include "transport/mesh/queue.hpp"

namespace weft::transport {

void finish(Work::State& operation) {
  operation.phase.store(Work::State::Phase::done, std::memory_order_release);
}

void finish(Work::State& operation, const Error& error) {
  operation.error = error;
  operation.phase.store(Work::State::Phase::failed, std::memory_order_release);
}

Queue::Queue() : ring_(16) {
  for (int i = 0; i < 8; ++i) pool_.push_back(std::make_shared<Work::State>());
}

Operation Queue::take_unused() {
  const std::lock_guard lock(mutex_);
  for (std::size_t tried = 0; tried < pool_.size(); ++tried) {
    const auto& candidate = pool_[next_unused_++ % pool_.size()];
    // Only the pool holds it, so nobody else can begin to: the count cannot rise again.
    if (candidate.use_count() != 1) continue;
    auto taken = candidate;
#ifndef __SANITIZE_THREAD__  // it knows no fences, but sees the copy's own read-modify-write
    std::atomic_thread_fence(std::memory_order_acquire);
#endif
    taken->phase.store(Work::State::Phase::pending, std::memory_order_relaxed);
    return taken;
  }
  next_unused_ = pool_.size();
  auto& fresh = pool_.emplace_back(std::make_shared<Work::State>());
  fresh->phase.store(Work::State::Phase::pending, std::memory_order_relaxed);
  return fresh;
}

bool Queue::push(const Operation& operation) {
  const std::lock_guard lock(mutex_);
  if (shut_) {
    finish(*operation, error_);
    return false;
  }
  const auto size = size_.load(std::memory_order_relaxed);
  if (size == ring_.size()) {
    std::vector<Operation> larger(2 * ring_.size());
    for (std::size_t i = 0; i < size; ++i)
      larger[i] = std::move(ring_[(first_ + i) % ring_.size()]);
    ring_ = std::move(larger);
    first_ = 0;
  }
  ring_[(first_ + size) % ring_.size()] = operation;
  size_.store(size + 1, std::memory_order_release);
  return true;
}

Operation Queue::pop() {
  if (empty()) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto size = size_.load(std::memory_order_relaxed);
  if (size == 0) return nullptr;
  auto oldest = std::move(ring_[first_]);
  first_ = (first_ + 1) % ring_.size();
  size_.store(size - 1, std::memory_order_release);
  return oldest;
}

int Queue::shut(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    if (shut_) return 0;
    shut_ = true;
    error_ = error;
  }
  int failed = 0;
  while (const auto operation = pop()) {
    finish(*operation, error);
    ++failed;
  }
  return failed;
}

}  // namespace weft::transport
