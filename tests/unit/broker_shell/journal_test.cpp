// Group commit: who waits for what, and in which order. The store here is held still by the test,
// so that what gathers behind a commit can be seen.
#include "broker/shell/journal.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <poll.h>

#include <condition_variable>

#include "tests/unit/broker_shell/records.hpp"

namespace weft::broker {
namespace {

using testing::ElementsAre;

class HeldStore final : public Store {
 public:
  // ---- the test's side
  void let_commits(int count) {
    const std::lock_guard lock(mutex_);
    allowed_ += count;
    moved_.notify_all();
  }
  void wait_until_committing() {
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [&] { return committing_; });
  }
  void fail_next() {
    const std::lock_guard lock(mutex_);
    fail_ = true;
  }
  std::vector<std::string> log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  // ---- the journal's side
  Result<void> append(Epoch, std::span<const Record> batch, const ClockMark&) override {
    std::unique_lock lock(mutex_);
    committing_ = true;
    moved_.notify_all();
    moved_.wait(lock, [&] { return allowed_ > 0; });
    --allowed_;
    committing_ = false;
    if (fail_) return fail(Code::journal_io, "no space");
    log_.push_back(fmt::format("{}-{}", batch.front().seq.value, batch.back().seq.value));
    return {};
  }
  Result<void> put_snapshot(Epoch, Seq seq, const Digest&, const Blob&) override {
    const std::lock_guard lock(mutex_);
    log_.push_back(fmt::format("snapshot {}", seq.value));
    return {};
  }
  Result<Epoch> lead() override { return Epoch{1}; }
  Result<std::optional<StoredSnapshot>> newest_snapshot(Seq, std::vector<std::string>&) override {
    return std::optional<StoredSnapshot>();
  }
  Result<void> read(Seq, const Digest&, const Sink&) override { return {}; }
  Result<Seq> last_seq() override { return Seq{}; }
  Result<std::optional<ClockMark>> clock_mark() override { return std::optional<ClockMark>(); }
  Result<void> tidy(bool) override { return {}; }

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  int allowed_ = 0;
  bool committing_ = false, fail_ = false;
  std::vector<std::string> log_;
};

class GroupCommit : public testing::Test {
 protected:
  void make(Journal::Bounds bounds) {
    auto store = std::make_unique<HeldStore>();
    store_ = store.get();
    journal_ = std::make_unique<Journal>(std::move(store), Epoch{1}, Seq{0}, bounds);
  }
  void SetUp() override { make({}); }
  void TearDown() override {
    store_->let_commits(1'000'000);
    journal_.reset();
  }
  void append(std::uint64_t seq, std::size_t padding = 0) {
    journal_->append(record(seq, 1, padding), mark());
  }
  // Waits as the loop does.
  void wait_durable(std::uint64_t seq) {
    while (journal_->durable().value < seq && !journal_->failed()) {
      pollfd wake{journal_->wake_fd(), POLLIN, 0};
      poll(&wake, 1, 10'000);
      journal_->clear_wake();
    }
  }
  HeldStore* store_ = nullptr;
  std::unique_ptr<Journal> journal_;
};

TEST_F(GroupCommit, ARecordIsDurableOnlyAfterItsCommitReturned) {
  append(1);
  store_->wait_until_committing();
  EXPECT_EQ(journal_->durable().value, 0u);
  EXPECT_EQ(journal_->waiting(), 1u);
  store_->let_commits(1);
  wait_durable(1);
  EXPECT_EQ(journal_->durable().value, 1u);
  EXPECT_EQ(journal_->waiting(), 0u);
}

TEST_F(GroupCommit, WhatGathersDuringACommitIsTheNextBatch) {
  append(1);
  store_->wait_until_committing();
  for (std::uint64_t seq = 2; seq <= 9; ++seq) append(seq);
  store_->let_commits(2);
  wait_durable(9);
  EXPECT_THAT(store_->log(), ElementsAre("1-1", "2-9"));
}

TEST_F(GroupCommit, ABatchHasAnEndInRecordsAndInBytes) {
  make({.records = 3, .bytes = 10'000});
  append(1);
  store_->wait_until_committing();
  for (std::uint64_t seq = 2; seq <= 6; ++seq) append(seq);
  append(7, 9'000);
  append(8, 9'000);
  append(9, 50'000);  // larger than a batch: alone
  store_->let_commits(100);
  wait_durable(9);
  EXPECT_THAT(store_->log(), ElementsAre("1-1", "2-4", "5-7", "8-8", "9-9"));
}

TEST_F(GroupCommit, ASnapshotIsWrittenAfterItsRecordsAndBeforeTheNext) {
  append(1);
  store_->wait_until_committing();
  append(2);
  Snapshot snapshot;
  snapshot.seq = {2};
  journal_->put_snapshot(snapshot, {});
  append(3);
  EXPECT_TRUE(journal_->snapshot_pending());
  store_->let_commits(3);
  wait_durable(3);
  EXPECT_THAT(store_->log(), ElementsAre("1-1", "2-2", "snapshot 2", "3-3"));
  EXPECT_FALSE(journal_->snapshot_pending());
}

TEST_F(GroupCommit, AfterAFailedCommitNothingIsRetriedAndNothingBecomesDurable) {
  append(1);
  store_->wait_until_committing();
  append(2);
  store_->fail_next();
  store_->let_commits(10);
  wait_durable(2);
  EXPECT_TRUE(journal_->failed());
  EXPECT_EQ(journal_->error(), (Error{Code::journal_io, "no space"}));
  EXPECT_EQ(journal_->durable().value, 0u);
  journal_->stop();
  EXPECT_THAT(store_->log(), ElementsAre());
}

TEST_F(GroupCommit, StopCommitsEverythingFirst) {
  append(1);
  store_->wait_until_committing();
  append(2);
  append(3);
  store_->let_commits(10);
  journal_->stop();
  EXPECT_EQ(journal_->durable().value, 3u);
}

}  // namespace
}  // namespace weft::broker
