#include <gmock/gmock.h>

#include "tests/unit/broker_shell/records.hpp"
#include "tests/unit/broker_shell/temp_dir.hpp"

namespace weft::broker {
namespace {

using testing::HasSubstr;

TEST(SqliteStore, GivesBackWhatWasAppendedAfterItWasOpenedAgain) {
  TempDir dir;
  {
    auto store = open_store(dir.file("j.db"));
    const Epoch epoch = *store->lead();
    EXPECT_EQ(epoch.value, 1u);
    ASSERT_TRUE(store->append(epoch, std::vector{record(1, 1), record(2, 1, 5'000)}, mark(4'000)));
    ASSERT_TRUE(store->append(epoch, std::vector{record(3, 1)}, mark(5'000)));
  }
  auto store = open_store(dir.file("j.db"));
  EXPECT_EQ(store->last_seq()->value, 3u);
  EXPECT_EQ(**store->clock_mark(), mark(5'000));
  std::vector<Blob> bodies;
  ASSERT_TRUE(store->read({}, {}, [&](Seq, std::span<const std::uint8_t> body) -> Result<void> {
    bodies.emplace_back(body.begin(), body.end());
    return {};
  }));
  ASSERT_EQ(bodies.size(), 3u);
  EXPECT_EQ(bodies[1], record(2, 1, 5'000).body);
}

TEST(SqliteStore, EveryLeadIsOneEpochHigherAlsoAfterACrash) {
  TempDir dir;
  for (std::uint64_t expected = 1; expected <= 4; ++expected)
    EXPECT_EQ(open_store(dir.file("j.db"))->lead()->value, expected);
}

TEST(SqliteStore, AWriterWhoseEpochIsOldIsFencedAndWritesNothing) {
  TempDir dir;
  auto old = open_store(dir.file("j.db"));
  const Epoch first = *old->lead();
  ASSERT_TRUE(old->append(first, std::vector{record(1, 1)}, mark()));
  auto fresh = open_store(dir.file("j.db"));  // as if the lock had been removed by hand
  const Epoch second = *fresh->lead();

  const auto refused = old->append(first, std::vector{record(2, 1)}, mark());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::epoch_fenced);
  EXPECT_THAT(refused.error().detail, HasSubstr("epoch 2"));
  const auto no_snapshot = old->put_snapshot(first, {1}, {}, {});
  ASSERT_FALSE(no_snapshot);
  EXPECT_EQ(no_snapshot.error().code, Code::epoch_fenced);

  ASSERT_TRUE(fresh->append(second, std::vector{record(2, 2)}, mark()));
  EXPECT_EQ(*count_records(*fresh), 2u);
}

TEST(SqliteStore, NamesTheFirstRecordThatWasChanged) {
  TempDir dir;
  auto store = open_store(dir.file("j.db"));
  std::vector<Record> batch;
  for (std::uint64_t seq = 1; seq <= 20; ++seq) batch.push_back(record(seq, 1));
  ASSERT_TRUE(store->append(*store->lead(), batch, mark()));
  ASSERT_TRUE(check_sqlite_journal(dir.file("j.db")));
  tamper(dir.file("j.db"), "UPDATE event SET body = CAST(body || x'00' AS BLOB) WHERE seq = 7");
  const auto read = count_records(*store);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::journal_corrupt);
  EXPECT_THAT(read.error().detail, HasSubstr("record 7 "));
  const auto checked = check_sqlite_journal(dir.file("j.db"));
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().detail, HasSubstr("record 7 "));
}

TEST(SqliteStore, AChangedRecordWithAFittingChecksumBreaksTheChainAtTheNext) {
  TempDir dir;
  auto store = open_store(dir.file("j.db"));
  ASSERT_TRUE(
      store->append(*store->lead(), std::vector{record(1, 1), record(2, 1), record(3, 1)}, mark()));
  tamper(dir.file("j.db"),
         "UPDATE event SET body = (SELECT body FROM event WHERE seq=1),"
         " sum = (SELECT sum FROM event WHERE seq=1) WHERE seq = 2");
  EXPECT_THAT(count_records(*store).error().detail, HasSubstr("record 2 "));
}

TEST(SqliteStore, NamesARecordThatIsMissing) {
  TempDir dir;
  auto store = open_store(dir.file("j.db"));
  ASSERT_TRUE(
      store->append(*store->lead(), std::vector{record(1, 1), record(2, 1), record(3, 1)}, mark()));
  tamper(dir.file("j.db"), "DELETE FROM event WHERE seq = 2");
  const auto read = count_records(*store);
  EXPECT_EQ(read.error().code, Code::journal_corrupt);
  EXPECT_THAT(read.error().detail, HasSubstr("record 2 is missing"));
}

TEST(SqliteStore, KeepsTwoSnapshotsAndPassesOverADamagedOne) {
  TempDir dir;
  auto store = open_store(dir.file("j.db"));
  const Epoch epoch = *store->lead();
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    ASSERT_TRUE(store->append(epoch, std::vector{record(seq, 1)}, mark()));
    ASSERT_TRUE(store->put_snapshot(epoch, {seq}, {}, Blob(100, static_cast<std::uint8_t>(seq))));
  }
  std::vector<std::string> passed;
  const Seq end{INT64_MAX};
  EXPECT_EQ((*store->newest_snapshot(end, passed))->seq.value, 3u);
  EXPECT_EQ((*store->newest_snapshot({3}, passed))->seq.value, 2u);
  EXPECT_FALSE(*store->newest_snapshot({2}, passed)) << "the third oldest was to be dropped";
  EXPECT_TRUE(passed.empty());
  tamper(dir.file("j.db"), "UPDATE snapshot SET body = zeroblob(100) WHERE seq = 3");
  const auto found = *store->newest_snapshot(end, passed);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->seq.value, 2u);
  EXPECT_EQ(found->body, Blob(100, 2));
  ASSERT_EQ(passed.size(), 1u);
  EXPECT_THAT(passed[0], HasSubstr("snapshot 3 "));
}

TEST(SqliteStore, RefusesASchemaOfAnotherBuild) {
  TempDir dir;
  open_store(dir.file("j.db"));
  tamper(dir.file("j.db"), "UPDATE meta SET value = 9 WHERE name = 'schema'");
  const auto opened = open_sqlite_store(dir.file("j.db"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::spec_version);
  EXPECT_THAT(opened.error().detail, HasSubstr("schema 9"));
}

TEST(SqliteStore, SaysThatAFileIsNoJournal) {
  TempDir dir;
  std::FILE* file = std::fopen(dir.file("j.db").c_str(), "w");
  for (int i = 0; i < 1'000; ++i) std::fputs("this is not a database ", file);
  std::fclose(file);
  const auto opened = open_sqlite_store(dir.file("j.db"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::journal_corrupt);
  EXPECT_THAT(opened.error().detail, HasSubstr("j.db"));
}

}  // namespace
}  // namespace weft::broker
