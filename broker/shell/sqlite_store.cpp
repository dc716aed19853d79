#include "broker/shell/sqlite_store.hpp"

#include <fmt/format.h>

#include "base/assert.hpp"
#include "broker/shell/sqlite_store_class.hpp"
#include "schemas/journal_chain.hpp"

namespace weft::broker {
namespace {

using sqlite::Database;
using sqlite::Statement;

constexpr std::int64_t schema_version = 1;
constexpr int wal_pages_idle = 1'000, wal_pages_max = 16'000;  // 4 MiB, 64 MiB

constexpr const char* schema_sql = R"(
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event(seq INTEGER PRIMARY KEY, epoch INT NOT NULL, ts_ms INT NOT NULL,
                                 body BLOB NOT NULL, sum BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS snapshot(seq INTEGER PRIMARY KEY, rules INT NOT NULL, state BLOB NOT NULL,
                                    chain BLOB NOT NULL, body BLOB NOT NULL, sum BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS lease_fact(lease INT, seq INT, position INT,
                                      PRIMARY KEY(lease, seq, position)) WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES('schema', 1), ('epoch', 0);
COMMIT;)";

}  // namespace

Result<std::unique_ptr<Store>> SqliteStore::open(const std::string& path) {
  auto store = std::make_unique<SqliteStore>();
  auto db = Database::open(path, Database::Mode::write);
  if (!db) return tl::make_unexpected(db.error());
  store->db_ = std::move(*db);
  auto ready = store->db_->run(schema_sql)
                   .and_then([&] { return store->prepare_all(); })
                   .and_then([&] { return store->check_schema(); })
                   .and_then([&] { return store->find_head(); });
  if (!ready) return tl::make_unexpected(ready.error());
  return store;
}

Result<void> SqliteStore::prepare_all() {
  const std::pair<Statement*, const char*> wanted[] = {
      {&begin_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"},
      {&rollback_, "ROLLBACK"},
      {&insert_event_, "INSERT INTO event(seq, epoch, ts_ms, body, sum) VALUES(?,?,?,?,?)"},
      {&insert_lease_, "INSERT INTO lease_fact(lease, seq, position) VALUES(?,?,?)"},
      {&get_meta_, "SELECT value FROM meta WHERE name=?"},
      {&set_meta_,
       "INSERT INTO meta(name, value) VALUES(?,?) "
       "ON CONFLICT(name) DO UPDATE SET value=excluded.value"}};
  for (const auto& [statement, sql] : wanted) {
    auto prepared = db_->prepare(sql);
    if (!prepared) return tl::make_unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return {};
}

Result<void> SqliteStore::check_schema() {
  const auto version = meta_number("schema");
  if (!version) return tl::make_unexpected(version.error());
  if (*version != schema_version)
    return fail(Code::spec_version, fmt::format("the journal has schema {}; this build reads {}",
                                                *version, schema_version));
  return {};
}

Result<void> SqliteStore::find_head() {
  auto newest = db_->prepare("SELECT seq, sum FROM event ORDER BY seq DESC LIMIT 1");
  if (!newest) return tl::make_unexpected(newest.error());
  const auto row = newest->step();
  if (!row) return tl::make_unexpected(row.error());
  if (!*row) return {};
  head_ = {static_cast<std::uint64_t>(newest->number(0))};
  chain_ = digest_from(newest->blob(1));
  return {};
}

Result<std::int64_t> SqliteStore::meta_number(const char* name) {
  const auto row = get_meta_.bind(1, std::string_view(name)).step();
  if (!row) return tl::make_unexpected(row.error());
  const std::int64_t value = *row ? get_meta_.number(0) : 0;
  get_meta_.reset();
  return value;
}
Result<void> SqliteStore::put_meta(const char* name, std::int64_t value) {
  return set_meta_.bind(1, std::string_view(name)).bind(2, value).finish();
}
Result<void> SqliteStore::put_meta(const char* name, std::string_view value) {
  return set_meta_.bind(1, std::string_view(name)).bind(2, value).finish();
}

Result<Epoch> SqliteStore::lead() {
  std::int64_t epoch = 0;
  auto done = transaction(Failpoint::before_commit, [&]() -> Result<void> {
    const auto last = meta_number("epoch");
    if (!last) return tl::make_unexpected(last.error());
    epoch = *last + 1;
    return put_meta("epoch", epoch);
  });
  if (!done) return tl::make_unexpected(done.error());
  return Epoch{static_cast<std::uint64_t>(epoch)};
}

Result<void> SqliteStore::check_fence(Epoch mine) {
  const auto newest = meta_number("epoch");
  if (!newest) return tl::make_unexpected(newest.error());
  if (static_cast<std::uint64_t>(*newest) != mine.value)
    return fail(Code::epoch_fenced,
                fmt::format("this broker leads epoch {}, the journal is at epoch "
                            "{}: another broker has taken over",
                            mine.value, *newest));
  return {};
}

Result<void> SqliteStore::put_record(const Record& record) {
  const Digest sum = chain_sum(chain_, record.seq, record.body);
  auto done = insert_event_.bind(1, static_cast<std::int64_t>(record.seq.value))
                  .bind(2, static_cast<std::int64_t>(record.epoch.value))
                  .bind(3, record.at.ms)
                  .bind(4, std::span<const std::uint8_t>(record.body))
                  .bind(5, std::span<const std::uint8_t>(sum.data))
                  .finish();
  for (std::size_t i = 0; done && i < record.leases.size(); ++i)
    done = insert_lease_.bind(1, static_cast<std::int64_t>(record.leases[i].lease.value))
               .bind(2, static_cast<std::int64_t>(record.seq.value))
               .bind(3, static_cast<std::int64_t>(record.leases[i].position))
               .finish();
  chain_ = sum;
  head_ = record.seq;
  return done;
}

Result<void> SqliteStore::put_clock(const ClockMark& mark) {
  return put_meta("clock_boot", mark.boot)
      .and_then([&] { return put_meta("clock_boottime_ms", mark.boottime_ms); })
      .and_then([&] { return put_meta("clock_ledger_ms", mark.ledger.ms); });
}

Result<void> SqliteStore::append(Epoch mine, std::span<const Record> batch, const ClockMark& mark) {
  failpoint(Failpoint::before_write);
  const Digest chain_before = chain_;
  const Seq head_before = head_;
  auto done = transaction(Failpoint::before_commit, [&]() -> Result<void> {
    if (auto mine_still = check_fence(mine); !mine_still) return mine_still;
    for (const Record& record : batch) {
      WEFT_ASSERT(record.seq.value == head_.value + 1, "records come without a gap");
      if (auto put = put_record(record); !put) return put;
    }
    return put_clock(mark);
  });
  if (!done) {
    chain_ = chain_before;
    head_ = head_before;
  }
  if (done) failpoint(Failpoint::after_commit);
  return done;
}

Result<void> SqliteStore::read(Seq after, const Digest& chain, const Sink& sink) {
  auto rows = db_->prepare("SELECT seq, body, sum FROM event WHERE seq > ? ORDER BY seq");
  if (!rows) return tl::make_unexpected(rows.error());
  rows->bind(1, static_cast<std::int64_t>(after.value));
  Seq expected = after;
  Digest before = chain;
  for (;;) {
    ++expected.value;
    const auto row = rows->step();
    if (!row) return tl::make_unexpected(row.error());
    if (!*row) return {};
    const Seq seq{static_cast<std::uint64_t>(rows->number(0))};
    if (seq != expected)
      return fail(Code::journal_corrupt,
                  fmt::format("record {} is missing (the next is {})", expected.value, seq.value));
    const Digest sum = chain_sum(before, seq, rows->blob(1));
    if (sum != digest_from(rows->blob(2)))
      return fail(Code::journal_corrupt,
                  fmt::format("record {} does not have its checksum: it, or a "
                              "record before it, was changed",
                              seq.value));
    before = sum;
    if (auto taken = sink(seq, rows->blob(1)); !taken) return taken;
  }
}

Result<Seq> SqliteStore::last_seq() { return head_; }

Result<std::optional<ClockMark>> SqliteStore::clock_mark() {
  ClockMark mark;
  const auto row = get_meta_.bind(1, std::string_view("clock_boot")).step();
  if (!row) return tl::make_unexpected(row.error());
  if (*row) mark.boot = get_meta_.text(0);
  get_meta_.reset();
  if (mark.boot.empty()) return std::optional<ClockMark>();
  const auto boottime = meta_number("clock_boottime_ms");
  if (!boottime) return tl::make_unexpected(boottime.error());
  const auto ledger = meta_number("clock_ledger_ms");
  if (!ledger) return tl::make_unexpected(ledger.error());
  mark.boottime_ms = *boottime;
  mark.ledger = {*ledger};
  return mark;
}

Result<void> SqliteStore::tidy(bool idle) {
  if (db_->wal_pages() < (idle ? wal_pages_idle : wal_pages_max)) return {};
  failpoint(Failpoint::in_checkpoint);
  return db_->checkpoint();
}

Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path) {
  return SqliteStore::open(path);
}

}  // namespace weft::broker
