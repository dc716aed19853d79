#include "broker/shell/journal.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "base/assert.hpp"
#include "base/log.hpp"

namespace weft::broker {

namespace {
// One row must stay below SQLite's limit of 10^9 bytes.
constexpr std::size_t snapshot_bytes_max = 900'000'000;
}  // namespace

Journal::Journal(std::unique_ptr<Store> store, Epoch epoch, Seq last, Bounds bounds)
    : store_(std::move(store)),
      epoch_(epoch),
      bounds_(bounds),
      wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      durable_(last.value) {
  WEFT_ASSERT(wake_fd_ >= 0, "eventfd");
  thread_ = std::thread([this] { run(); });
}

Journal::~Journal() {
  stop();
  close(wake_fd_);
}

void Journal::append(Record record, const ClockMark& mark) {
  waiting_.fetch_add(1, std::memory_order_relaxed);
  bool notify = false;
  {
    const std::lock_guard lock(mutex_);
    gathering_.push_back(std::move(record));
    mark_ = mark;
    notify = idle_;
    idle_ = false;
  }
  if (notify) more_.notify_one();
}

void Journal::put_snapshot(Snapshot snapshot, const Digest& state) {
  snapshot_pending_.store(true, std::memory_order_release);
  {
    const std::lock_guard lock(mutex_);
    snapshot_ = SnapshotJob{std::move(snapshot), state};
    idle_ = false;
  }
  more_.notify_one();
}

Error Journal::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void Journal::clear_wake() {
  std::uint64_t count = 0;
  (void)!read(wake_fd_, &count, sizeof count);
}

void Journal::wake() {
  const std::uint64_t one = 1;
  (void)!write(wake_fd_, &one, sizeof one);
}

void Journal::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  more_.notify_one();
  if (thread_.joinable()) thread_.join();
}

// As much of what has gathered as one commit takes; at least one record when there is any. A
// snapshot that waits is of the last record appended before it: a batch never goes beyond it.
std::vector<Record> Journal::take_batch() {
  std::size_t count = 0, bytes = 0;
  while (count < gathering_.size() && count < bounds_.records) {
    if (snapshot_ && gathering_[count].seq > snapshot_->snapshot.seq) break;
    bytes += gathering_[count].body.size();
    if (count > 0 && bytes > bounds_.bytes) break;
    ++count;
  }
  if (count == gathering_.size()) return std::exchange(gathering_, {});
  const auto middle = gathering_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<Record> batch(std::make_move_iterator(gathering_.begin()),
                            std::make_move_iterator(middle));
  gathering_.erase(gathering_.begin(), middle);
  return batch;
}

void Journal::run() {
  for (;;) {
    std::vector<Record> batch;
    std::optional<SnapshotJob> snapshot;
    ClockMark mark;
    bool idle_after = false;
    {
      std::unique_lock lock(mutex_);
      if (gathering_.empty() && !snapshot_) {
        idle_ = true;
        more_.wait(lock, [this] { return stop_ || !gathering_.empty() || snapshot_; });
        if (gathering_.empty() && !snapshot_) return;  // stopped, and nothing is left
      }
      batch = take_batch();
      mark = mark_;
      if (batch.empty()) snapshot = std::exchange(snapshot_, std::nullopt);
      idle_after = gathering_.empty();
    }
    if (!batch.empty() && !commit(batch, mark)) return;
    if (snapshot && !write_snapshot(*snapshot)) return;
    if (!check(store_->tidy(idle_after))) return;
  }
}

bool Journal::commit(std::vector<Record>& batch, const ClockMark& mark) {
  if (!check(store_->append(epoch_, batch, mark))) return false;
  durable_.store(batch.back().seq.value, std::memory_order_release);
  waiting_.fetch_sub(batch.size(), std::memory_order_relaxed);
  commits_.fetch_add(1, std::memory_order_relaxed);
  records_.fetch_add(batch.size(), std::memory_order_relaxed);
  wake();
  return true;
}

bool Journal::write_snapshot(const SnapshotJob& job) {
  const Blob body = encode(job.snapshot);
  bool ok = true;
  if (body.size() > snapshot_bytes_max)
    log::warn(
        "a snapshot of {} bytes is too large to be kept: the next start replays from the one "
        "before",
        body.size());
  else
    ok = check(store_->put_snapshot(epoch_, job.snapshot.seq, job.state, body));
  snapshot_pending_.store(false, std::memory_order_release);
  return ok;
}

bool Journal::check(const Result<void>& done) {
  if (done) return true;
  {
    const std::lock_guard lock(mutex_);
    error_ = done.error();
  }
  failed_.store(true, std::memory_order_release);
  wake();
  return false;
}

}  // namespace weft::broker
