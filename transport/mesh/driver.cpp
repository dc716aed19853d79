// Who moves the engine, and how a thread waits.
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>

#include "transport/mesh/engine.hpp"

namespace weft::transport {
namespace {

constexpr std::int64_t yield_ms = 1;  // how long to yield before sleeping
constexpr int sleep_ms = 50;          // longest sleep of a thread that waits for an operation
constexpr int watch_ms = 500;         // longest sleep of a watch on an idle mesh
constexpr std::int64_t calm_ms = 10;  // no call for so long: the program computes, so watch

// Polls that found nothing in a row; says what to do next.
class Patience {
 public:
  explicit Patience(unsigned spins) : spins_(spins) {}
  void reset() { polls_ = 0; }
  // True when it is time to sleep.
  bool next(std::int64_t now) {
    if (polls_++ < spins_) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
      return false;
    }
    if (polls_ == spins_ + 1) since_ = now;
    if (now - since_ > yield_ms) return true;
    sched_yield();
    return false;
  }

 private:
  unsigned spins_, polls_ = 0;
  std::int64_t since_ = 0;
};

}  // namespace

std::int64_t Engine::now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Result<void> Engine::wait(Work::State& operation) {
  if (operation.finished()) return operation.result();
  callers_.fetch_add(1);
  while (!operation.finished()) {
    if (std::unique_lock lock(drive_, std::try_to_lock); lock) {
      drive(operation, lock);
      lock.unlock();
      wake_sleepers();  // another caller may take over
      continue;
    }
    std::unique_lock lock(sleep_mutex_);
    sleepers_.fetch_add(1);
    // Short, because the one that drives may stop without a word between the look and the sleep.
    operation_done_.wait_for(lock, std::chrono::milliseconds(1));
    sleepers_.fetch_sub(1);
  }
  last_call_.store(now_ms(), std::memory_order_relaxed);
  if (callers_.fetch_sub(1) == 1 && pending_.load() > 0) wake_progress_thread();
  return operation.result();
}

void Engine::drive(const Work::State& until, std::unique_lock<std::mutex>& lock) {
  Patience patience(spins_);
  while (!until.finished()) {
    if (step())
      patience.reset();
    else if (!until.finished() && patience.next(now_ms()))
      sleep_until_event(lock, failures_.suspicious() ? 5 : sleep_ms);
  }
}

// The progress thread: runs what was started and not waited for, and otherwise watches.
void Engine::watch() {
  Patience patience(spins_);
  while (!stop_.load()) {
    const bool calls = callers_.load() > 0;
    const bool calm = now_ms() - last_call_.load(std::memory_order_relaxed) >= calm_ms;
    if (calls || (pending_.load() == 0 && !calm)) {
      std::unique_lock lock(sleep_mutex_);
      work_to_do_.wait_for(lock, std::chrono::milliseconds(calls ? 10 * calm_ms : calm_ms));
      patience.reset();
      continue;
    }
    std::unique_lock lock(drive_, std::try_to_lock);
    if (!lock) {
      sched_yield();
      continue;
    }
    while (callers_.load() == 0 && !stop_.load()) {
      if (step()) {
        patience.reset();
      } else if (pending_.load() == 0) {
        sleep_until_event(lock, failures_.suspicious() || progress_waits_ ? 20 : watch_ms);
      } else if (patience.next(now_ms())) {
        sleep_until_event(lock, failures_.suspicious() ? 5 : sleep_ms);
      }
    }
    lock.unlock();
    wake_sleepers();
  }
}

// Gives the engine up while asleep: a caller may come and drive.
void Engine::sleep_until_event(std::unique_lock<std::mutex>& lock, int milliseconds) {
  const bool networked = network_ && !broken_.load();
  if (networked && !network_->arm()) return;
  pollfd fds[3] = {{wake_fd_, POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}};
  if (networked) fds[1].fd = network_->event_fd();
  if (link_) fds[2].fd = link_->fd();
  pollers_.fetch_add(1);
  lock.unlock();
  if (poll(fds, 3, milliseconds) > 0 && (fds[0].revents & POLLIN) != 0) {
    std::uint64_t count = 0;
    (void)!read(wake_fd_, &count, sizeof count);
  }
  lock.lock();
  pollers_.fetch_sub(1);
  next_housekeeping_ = 0;
}

void Engine::wake_sleepers() {
  if (sleepers_.load() > 0) {
    const std::lock_guard lock(sleep_mutex_);
    operation_done_.notify_all();
  }
  if (pollers_.load() > 0) {
    const std::uint64_t one = 1;
    (void)!write(wake_fd_, &one, sizeof one);
  }
}

void Engine::wake_progress_thread() {
  {
    const std::lock_guard lock(sleep_mutex_);
    work_to_do_.notify_one();
  }
  if (pollers_.load() > 0) {
    const std::uint64_t one = 1;
    (void)!write(wake_fd_, &one, sizeof one);
  }
}

}  // namespace weft::transport
