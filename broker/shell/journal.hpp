// Group commit. The core's thread appends records; the journal's own thread commits what has
// gathered while the commit before was running: one in flight is a batch of one, a flood makes
// large batches, and nothing ever waits for a batch to fill. Owns: the store and the thread.
// Thread: all calls from the core's thread. Errors: the first failure stops everything; the owner
// must end the process (never retry a commit). Example: journal.append(record, clock.mark()); ...
// when wake_fd() is readable:
//   journal.clear_wake(); release what waits for journal.durable().
#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/limits.hpp"
#include "broker/shell/store.hpp"

namespace weft::broker {

class Journal {
 public:
  struct Bounds {
    std::size_t records = limits::batch_records_max,
                bytes = limits::batch_bytes_max;  // of one commit
  };
  Journal(std::unique_ptr<Store> store, Epoch epoch, Seq last, Bounds bounds);
  ~Journal();  // as stop()
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  void append(Record record, const ClockMark& mark);
  // Written once everything appended so far is durable. One at a time: see snapshot_pending().
  void put_snapshot(Snapshot snapshot, const Digest& state);
  bool snapshot_pending() const { return snapshot_pending_.load(std::memory_order_acquire); }

  Seq durable() const { return {durable_.load(std::memory_order_acquire)}; }
  bool failed() const { return failed_.load(std::memory_order_acquire); }
  Error error() const;
  int wake_fd() const { return wake_fd_; }
  void clear_wake();
  // Records that were appended and are not durable yet; the owner stops taking input above a bound.
  std::size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  // Commits everything, then ends the thread.
  void stop();

  struct Counts {
    std::uint64_t commits = 0, records = 0;
  };
  Counts counts() const { return {commits_.load(), records_.load()}; }

 private:
  struct SnapshotJob {
    Snapshot snapshot;
    Digest state;
  };
  void run();
  bool commit(std::vector<Record>& batch, const ClockMark& mark);
  bool write_snapshot(const SnapshotJob& job);
  bool check(const Result<void>& done);
  void wake();
  std::vector<Record> take_batch();  // under the lock

  std::unique_ptr<Store> store_;
  const Epoch epoch_;
  const Bounds bounds_;
  const int wake_fd_;

  mutable std::mutex mutex_;
  std::condition_variable more_;
  std::vector<Record> gathering_;  // the open batch
  ClockMark mark_;                 // of the newest record gathered
  std::optional<SnapshotJob> snapshot_;
  bool idle_ = true, stop_ = false;
  Error error_;

  std::atomic<std::uint64_t> durable_, commits_{0}, records_{0};
  std::atomic<std::size_t> waiting_{0};
  std::atomic<bool> failed_{false}, snapshot_pending_{false};
  std::thread thread_;
};

}  // namespace weft::broker
