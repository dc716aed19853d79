// A journal by hand: one node, one offer of time, one lease of 10 minutes at $3.60 an hour. Every
// lie that is told about it must be found.
#include "client/verify/verifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "client/verify/amounts.hpp"
#include "schemas/journal_chain.hpp"

namespace weft::client {
namespace {

using ::testing::HasSubstr;

constexpr Instant start{1'000'000};
constexpr Price price{3'600'000};  // 1 micro-dollar per ms
const std::string cash = "customer:acme:cash", escrow = "customer:acme:escrow",
                  earned = "owner:fleet:earned";

Instant at(std::int64_t s) { return start + seconds(s); }

Posted posting(std::uint64_t id, PostingKind kind, LeaseId lease, Instant when,
               std::vector<Leg> legs) {
  return {{id}, kind, lease, when, std::move(legs), ""};
}

std::vector<JournalRecord> honest() {
  Node node;
  node.id = {1};
  node.name = "n1";
  node.owner = "fleet";
  node.meter = MeterClass::owner;
  node.since = at(0);
  Lease lease;
  lease.id = {1};
  lease.account = "acme";
  lease.owner = "fleet";
  lease.nodes = {{1}};
  lease.price = price;
  lease.units = 1;
  lease.term = minutes(10);
  lease.escrow = {600'000};
  lease.state = LeaseState::granted;
  const LeaseId l = lease.id;
  const auto moved = [l](LeaseState state, Instant when) {
    return LeaseMoved{l, state, Cause::none, when, at(700)};
  };
  std::vector<std::pair<Instant, std::vector<Fact>>> steps{
      {at(0), {EpochBegan{{1}, at(0), "test"}}},
      {at(0), {NodePut{node}, NodeMetered{{1}, MeterClass::idle, {}, at(10), Cause::none}}},
      {at(10),
       {posting(1, PostingKind::deposit, {}, at(10),
                {{"world", {-1'000'000}}, {cash, {1'000'000}}})}},
      {at(20),
       {LeaseGranted{lease},
        posting(2, PostingKind::escrow, l, at(20), {{cash, {-600'000}}, {escrow, {600'000}}}),
        moved(LeaseState::preparing, at(20))}},
      {at(100),
       {moved(LeaseState::active, at(100)),
        NodeMetered{{1}, MeterClass::billed, l, at(100), Cause::none}}},
      {at(200),
       {moved(LeaseState::closing, at(200)),
        NodeMetered{{1}, MeterClass::idle, l, at(200), Cause::none},
        posting(3, PostingKind::meter, l, at(200), {{escrow, {-100'000}}, {earned, {100'000}}})}},
      {at(200),
       {moved(LeaseState::returning, at(200)),
        posting(4, PostingKind::escrow_return, l, at(200),
                {{escrow, {-500'000}}, {cash, {500'000}}}),
        moved(LeaseState::closed, at(200))}},
      {at(300), {NodeMetered{{1}, MeterClass::owner, {}, at(300), Cause::none}}}};
  std::vector<JournalRecord> records;
  for (auto& [when, facts] : steps) {
    JournalRecord record;
    record.seq = {records.size() + 1};
    record.epoch = {1};
    record.at = when;
    for (Fact& fact : facts) record.facts.push_back({std::move(fact)});
    records.push_back(std::move(record));
  }
  return records;
}

std::vector<StoredRecord> stored(const std::vector<JournalRecord>& records) {
  std::vector<StoredRecord> out;
  Digest sum;
  for (const JournalRecord& record : records) {
    StoredRecord one{record.seq, encode(record), {}};
    sum = one.sum = chain_sum(sum, record.seq, one.body);
    out.push_back(std::move(one));
  }
  return out;
}

Report verify(const std::vector<StoredRecord>& records) {
  Verifier verifier(Verifier::Scope::whole);
  for (const StoredRecord& record : records) verifier.add(record);
  return verifier.finish();
}

std::string first_finding(const std::vector<StoredRecord>& records) {
  const Report report = verify(records);
  return report.findings.empty() ? "nothing found" : report.findings.front().what;
}

// The honest journal, changed before it is stored: the chain is right, the story is not.
std::string lie(const std::function<void(std::vector<JournalRecord>&)>& change) {
  auto records = honest();
  change(records);
  return first_finding(stored(records));
}

template <class F>
F& fact(std::vector<JournalRecord>& records, std::size_t seq, std::size_t position) {
  return std::get<F>(records.at(seq - 1).facts.at(position).fact);
}

TEST(Verifier, AnHonestJournalIsSound) {
  const Report report = verify(stored(honest()));
  EXPECT_TRUE(report.sound()) << report.findings.front().what;
  EXPECT_EQ(report.records, 8U);
  EXPECT_EQ(report.postings, 4U);
  const VerifiedLease& lease = report.leases.at({1});
  EXPECT_EQ(lease.gross.micros, 100'000);
  EXPECT_EQ(report.balances.at(cash).micros, 900'000);
  EXPECT_EQ(report.balances.at(earned).micros, 100'000);
  EXPECT_TRUE(report.billed + report.idle + report.owner + report.credited == report.capacity);
  EXPECT_TRUE(report.billed == 100'000);
}

TEST(Verifier, ACustomerCanVerifyTheFactsOfItsLease) {
  Verifier verifier(Verifier::Scope::lease);
  verifier.assume_units({1}, 1);
  for (StoredRecord record : stored(honest()))
    if (record.seq.value >= 4 && record.seq.value <= 7) {
      record.sum = {};
      verifier.add(record);
    }
  const Report& report = verifier.finish();
  EXPECT_TRUE(report.sound()) << report.findings.front().what;
  EXPECT_EQ(report.leases.at({1}).gross.micros, 100'000);
}

TEST(Verifier, AChangedByteBreaksTheChain) {
  auto records = stored(honest());
  records[3].body[40] ^= 1;
  EXPECT_THAT(first_finding(records), HasSubstr("the chain gives"));
  records = stored(honest());
  records.erase(records.begin() + 4);
  EXPECT_THAT(first_finding(records), HasSubstr("some are missing"));
  records = stored(honest());
  std::swap(records[1], records[2]);
  EXPECT_THAT(first_finding(records), HasSubstr("some are missing"));
}

TEST(Verifier, EveryLieIsFound) {
  EXPECT_THAT(lie([](auto& r) {
                fact<Posted>(r, 6, 2).legs = {{escrow, {-100'001}}, {earned, {100'001}}};
              }),
              HasSubstr("its time comes to"));
  EXPECT_THAT(lie([](auto& r) { fact<Posted>(r, 6, 2).legs[1].amount = {99'999}; }),
              HasSubstr("sums to -1"));
  EXPECT_THAT(lie([](auto& r) { fact<Posted>(r, 6, 2).legs[1].account = "owner:thief:earned"; }),
              HasSubstr("owner:thief:earned"));
  EXPECT_THAT(lie([](auto& r) { fact<NodeMetered>(r, 6, 1).at = at(201); }),
              HasSubstr("its time comes to"));
  EXPECT_THAT(lie([](auto& r) { fact<NodeMetered>(r, 6, 1).at = at(99); }),
              HasSubstr("before it began"));
  EXPECT_THAT(lie([](auto& r) { fact<NodeMetered>(r, 5, 1).node = {2}; }),
              HasSubstr("never joined"));
  EXPECT_THAT(lie([](auto& r) { fact<LeaseMoved>(r, 5, 0).state = LeaseState::returning; }),
              HasSubstr("from preparing to returning"));
  EXPECT_THAT(lie([](auto& r) { r[4].facts.erase(r[4].facts.begin()); }),
              HasSubstr("which is preparing"));
  EXPECT_THAT(lie([](auto& r) { fact<LeaseGranted>(r, 4, 0).lease.escrow = {599'999}; }),
              HasSubstr("sets 0.599999 aside"));
  EXPECT_THAT(lie([](auto& r) { fact<LeaseGranted>(r, 4, 0).lease.units = 2; }),
              HasSubstr("price x units x term"));
  EXPECT_THAT(
      lie([](auto& r) { fact<Posted>(r, 7, 1).legs = {{escrow, {-499'999}}, {cash, {499'999}}}; }),
      HasSubstr("of its escrow not returned"));
  EXPECT_THAT(lie([](auto& r) { fact<Posted>(r, 7, 1).id = {3}; }),
              HasSubstr("an id is used again"));
  EXPECT_THAT(lie([](auto& r) { fact<Posted>(r, 3, 0).legs = {{"world", {-1}}, {cash, {1}}}; }),
              HasSubstr("is negative"));
  EXPECT_THAT(lie([](auto& r) { r[4].at = at(15); }), HasSubstr("time runs backwards"));
  EXPECT_THAT(lie([](auto& r) {
                Lease second = fact<LeaseGranted>(r, 4, 0).lease;
                second.id = {2};
                r[4].facts.push_back({LeaseGranted{second}});
              }),
              HasSubstr("is in lease 1 and in lease 2"));
}

TEST(Verifier, ABillThatDiffersFromTheJournalIsFound) {
  LeaseBill bill;
  bill.lease.id = {1};
  bill.lease.state = LeaseState::closed;
  bill.lease.price = price;
  bill.lease.units = 1;
  bill.gross = bill.net = {100'000};
  bill.segments = {{{1}, "n1", MeterClass::billed, at(100), at(150), Cause::none, 1},
                   {{1}, "n1", MeterClass::billed, at(150), at(200), Cause::none, 1}};
  const auto findings = [](const LeaseBill& one) {
    Verifier verifier(Verifier::Scope::whole);
    for (const StoredRecord& record : stored(honest())) verifier.add(record);
    verifier.finish();
    Bill all;
    all.leases = {one};
    verifier.compare(all);
    return verifier.report().findings_total;
  };
  EXPECT_EQ(findings(bill), 0U);
  LeaseBill wrong = bill;
  wrong.net = {100'001};
  EXPECT_EQ(findings(wrong), 1U);
  wrong = bill;
  wrong.segments.pop_back();
  EXPECT_EQ(findings(wrong), 1U);
}

TEST(Amounts, FractionsFallToTheCustomerWhereverSegmentsAreCut) {
  // 64 GPUs for an hour at $2.11
  RunningSums sums;
  sums.all = Int128{64} * 3'600'000 * 1'000 * 2'110'000;
  EXPECT_EQ(round_totals(sums, 0).gross.micros, 135'040'000);
  // Gross rounds down, credits round up, and never above what was charged.
  sums = {Int128{3'600'000'000} * 10 + 5, 1, Int128{3'600'000'000} * 20};
  const Totals totals = round_totals(sums, 5'000);
  EXPECT_EQ(totals, (Totals{{10}, {1}, {9}, {4}}));
}

}  // namespace
}  // namespace weft::client
