#include <gmock/gmock.h>

#include "broker/shell/lease_index.hpp"
#include "schemas/journal_chain.hpp"
#include "tests/unit/broker_shell/records.hpp"
#include "tests/unit/broker_shell/temp_dir.hpp"

namespace weft::broker {
namespace {

// Two leases take turns on node 1; a record of each step.
std::vector<JournalRecord> two_tenants() {
  const auto metered = [](std::uint64_t lease, MeterClass meter) {
    return FactBox{NodeMetered{{1}, meter, {lease}, {}, Cause::none}};
  };
  LeaseGranted granted7, granted8;
  granted7.lease.id = {7};
  granted8.lease.id = {8};
  Posted posted;
  posted.lease = {7};
  std::vector<std::vector<FactBox>> steps = {
      {{granted7}, metered(7, MeterClass::billed)},
      {{EpochBegan{}}},
      {{posted}, {granted8}, metered(8, MeterClass::billed)},  // closes 7's time without a gap
      {metered(0, MeterClass::idle)},                          // closes 8's
  };
  std::vector<JournalRecord> records;
  for (auto& facts : steps) {
    JournalRecord record;
    record.seq = {records.size() + 1};
    record.input = {1, 2, 3};
    record.facts = std::move(facts);
    records.push_back(std::move(record));
  }
  return records;
}

class Reader : public testing::Test {
 protected:
  void SetUp() override {
    store_ = open_store(dir_.file("j.db"));
    LeaseIndex index;
    std::vector<Record> batch;
    for (const JournalRecord& r : records_)
      batch.push_back({r.seq, {1}, {}, encode(r), index.add(r.facts)});
    ASSERT_TRUE(store_->append(*store_->lead(), batch, mark()));
    auto reader = open_sqlite_reader(dir_.file("j.db"));
    ASSERT_TRUE(reader);
    reader_ = std::move(*reader);
  }
  std::vector<JournalRecord> of_lease(std::uint64_t lease) {
    const auto chunk = reader_->chunk({1}, {lease}, 1 << 18);
    EXPECT_TRUE(chunk && chunk->end);
    std::vector<JournalRecord> out;
    for (const StoredRecord& stored : chunk->records) out.push_back(*decode_record(stored.body));
    return out;
  }
  TempDir dir_;
  const std::vector<JournalRecord> records_ = two_tenants();
  std::unique_ptr<Store> store_;
  std::unique_ptr<JournalReader> reader_;
};

TEST_F(Reader, WholeRecordsVerifyAgainstTheChain) {
  const auto chunk = reader_->chunk({1}, {}, 1 << 18);
  ASSERT_TRUE(chunk);
  EXPECT_TRUE(chunk->end);
  EXPECT_EQ(chunk->next.value, 5u);
  Digest before;
  for (const StoredRecord& stored : chunk->records) {
    before = chain_sum(before, stored.seq, stored.body);
    EXPECT_EQ(stored.sum, before) << "record " << stored.seq.value;
  }
  EXPECT_EQ(chunk->records.size(), 4u);
}

TEST_F(Reader, SmallChunksFollowEachOtherWithoutAGap) {
  Seq from{1};
  std::vector<std::uint64_t> seen;
  for (;;) {
    const auto chunk = reader_->chunk(from, {}, 1);
    ASSERT_TRUE(chunk);
    for (const StoredRecord& stored : chunk->records) seen.push_back(stored.seq.value);
    if (chunk->end) break;
    ASSERT_LT(from, chunk->next);
    from = chunk->next;
  }
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{1, 2, 3, 4}));
}

TEST_F(Reader, ALeaseSeesItsOwnFactsAndTheEndOfItsTimeAndNothingOfTheNextTenant) {
  const auto records = of_lease(7);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].seq.value, 1u);
  EXPECT_EQ(records[0].facts, records_[0].facts);
  EXPECT_TRUE(records[0].input.empty()) << "what another tenant said is not shown";
  EXPECT_EQ(records[1].seq.value, 3u);
  ASSERT_EQ(records[1].facts.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<Posted>(records[1].facts[0].fact));
  const auto& closing = std::get<NodeMetered>(records[1].facts[1].fact);
  EXPECT_EQ(closing.lease, LeaseId{});
  EXPECT_EQ(closing.meter, MeterClass::idle);
}

TEST_F(Reader, TheNextTenantSeesItsTimeFromTheSameRecordOn) {
  const auto records = of_lease(8);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].facts.size(), 2u);
  EXPECT_EQ(std::get<NodeMetered>(records[0].facts[1].fact).lease, LeaseId{8});
  EXPECT_EQ(records[1].seq.value, 4u);
}

TEST_F(Reader, ALeaseThatNobodyHasIsEmpty) { EXPECT_TRUE(of_lease(99).empty()); }

TEST_F(Reader, AViewThatDiffersFromTheRecordsIsNamed) {
  EXPECT_EQ(check_sqlite_journal(dir_.file("j.db"))->lease_rows, 7u);
  tamper(dir_.file("j.db"), "DELETE FROM lease_fact WHERE lease = 7 AND seq = 3 AND position = 2");
  const auto checked = check_sqlite_journal(dir_.file("j.db"));
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().detail, testing::HasSubstr("lease view"));
}

}  // namespace
}  // namespace weft::broker
