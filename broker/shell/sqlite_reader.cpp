#include <fmt/format.h>

#include <algorithm>

#include "broker/shell/lease_index.hpp"
#include "broker/shell/sqlite.hpp"
#include "broker/shell/sqlite_store.hpp"
#include "schemas/journal_chain.hpp"

namespace weft::broker {
namespace {

using sqlite::Database;
using sqlite::Statement;

constexpr std::size_t chunk_rows_max = 4'096;

class SqliteReader final : public JournalReader {
 public:
  static Result<std::unique_ptr<JournalReader>> open(const std::string& path) {
    auto reader = std::make_unique<SqliteReader>();
    auto db = Database::open(path, Database::Mode::read);
    if (!db) return tl::make_unexpected(db.error());
    reader->db_ = std::move(*db);
    auto all = reader->db_->prepare("SELECT seq, body, sum FROM event WHERE seq >= ? ORDER BY seq");
    if (!all) return tl::make_unexpected(all.error());
    reader->all_ = std::move(*all);
    auto some = reader->db_->prepare(
        "SELECT e.seq, e.body, l.position FROM lease_fact l JOIN event e ON e.seq = l.seq "
        "WHERE l.lease = ? AND l.seq >= ? ORDER BY l.seq, l.position");
    if (!some) return tl::make_unexpected(some.error());
    reader->some_ = std::move(*some);
    return reader;
  }

  Result<JournalChunk> chunk(Seq from, LeaseId lease, std::size_t bytes_max) override {
    auto& rows = lease ? some_ : all_;
    auto chunk = lease ? of_lease(from, lease, bytes_max) : whole(from, bytes_max);
    rows.reset();  // ends the read transaction: a checkpoint waits for none
    return chunk;
  }

 private:
  Result<JournalChunk> whole(Seq from, std::size_t bytes_max);
  Result<JournalChunk> of_lease(Seq from, LeaseId lease, std::size_t bytes_max);
  std::unique_ptr<Database> db_;
  Statement all_, some_;
};

// One record must fit the message in which it travels.
Result<void> check_size(Seq seq, std::size_t bytes) {
  if (bytes <= limits::message_bytes_max - 4'096) return {};
  return fail(Code::wire_limit,
              fmt::format("record {} has {} bytes: more than a message holds; read "
                          "the journal file itself",
                          seq.value, bytes));
}

Result<JournalChunk> SqliteReader::whole(Seq from, std::size_t bytes_max) {
  JournalChunk chunk;
  chunk.next = from;
  all_.bind(1, static_cast<std::int64_t>(from.value));
  for (std::size_t bytes = 0; chunk.records.size() < chunk_rows_max;) {
    const auto row = all_.step();
    if (!row) return tl::make_unexpected(row.error());
    if (!*row) {
      chunk.end = true;
      break;
    }
    StoredRecord record;
    record.seq = {static_cast<std::uint64_t>(all_.number(0))};
    const auto body = all_.blob(1), sum = all_.blob(2);
    if (!chunk.records.empty() && bytes + body.size() > bytes_max) break;
    if (auto fits = check_size(record.seq, body.size()); !fits)
      return tl::make_unexpected(fits.error());
    bytes += body.size() + 64;
    record.body.assign(body.begin(), body.end());
    if (sum.size() == record.sum.data.size()) std::ranges::copy(sum, record.sum.data.begin());
    chunk.next = {record.seq.value + 1};
    chunk.records.push_back(std::move(record));
  }
  return chunk;
}

Result<JournalChunk> SqliteReader::of_lease(Seq from, LeaseId lease, std::size_t bytes_max) {
  JournalChunk chunk;
  chunk.next = from;
  some_.bind(1, static_cast<std::int64_t>(lease.value))
      .bind(2, static_cast<std::int64_t>(from.value));
  Seq open;
  Blob open_body;
  std::vector<std::uint32_t> positions;
  std::size_t bytes = 0;
  const auto close =
      [&]() -> Result<bool> {  // false: the chunk is full, this record is for the next
    if (!open) return true;
    const auto record = decode_record(open_body);
    if (!record)
      return fail(Code::journal_corrupt,
                  fmt::format("record {}: {}", open.value, record.error().detail));
    Blob body = encode(reduced_to(lease, *record, positions));
    if (auto fits = check_size(open, body.size()); !fits) return tl::make_unexpected(fits.error());
    if (!chunk.records.empty() && bytes + body.size() > bytes_max) return false;
    bytes += body.size() + 64;
    chunk.next = {open.value + 1};
    chunk.records.push_back({open, std::move(body), Digest{}});
    return chunk.records.size() < chunk_rows_max;
  };
  for (;;) {
    const auto row = some_.step();
    if (!row) return tl::make_unexpected(row.error());
    const Seq seq{*row ? static_cast<std::uint64_t>(some_.number(0)) : 0};
    if (seq != open) {
      const auto room = close();
      if (!room) return tl::make_unexpected(room.error());
      if (!*room) return chunk;
      open = seq;
      positions.clear();
    }
    if (!*row) break;
    if (positions.empty()) open_body.assign(some_.blob(1).begin(), some_.blob(1).end());
    positions.push_back(static_cast<std::uint32_t>(some_.number(2)));
  }
  chunk.end = true;
  return chunk;
}

// Seq of the first difference between the lease view and what the records say, in words; or empty.
Result<void> compare_view(Database& db, const std::vector<std::pair<Seq, LeaseFact>>& wanted) {
  auto rows =
      db.prepare("SELECT lease, seq, position FROM lease_fact ORDER BY seq, position, lease");
  if (!rows) return tl::make_unexpected(rows.error());
  for (std::size_t i = 0;; ++i) {
    const auto row = rows->step();
    if (!row) return tl::make_unexpected(row.error());
    if (!*row && i == wanted.size()) return {};
    const bool same = *row && i < wanted.size() &&
                      rows->number(0) == static_cast<std::int64_t>(wanted[i].second.lease.value) &&
                      rows->number(1) == static_cast<std::int64_t>(wanted[i].first.value) &&
                      rows->number(2) == static_cast<std::int64_t>(wanted[i].second.position);
    if (!same)
      return fail(
          Code::journal_corrupt,
          fmt::format("record {}: the lease view differs from the record",
                      *row ? static_cast<std::uint64_t>(rows->number(1)) : wanted[i].first.value));
  }
}

}  // namespace

Result<std::unique_ptr<JournalReader>> open_sqlite_reader(const std::string& path) {
  return SqliteReader::open(path);
}

Result<JournalCheck> check_sqlite_journal(const std::string& path) {
  auto db = Database::open(path, Database::Mode::read);
  if (!db) return tl::make_unexpected(db.error());
  auto sound = (*db)->prepare("PRAGMA quick_check(1)");
  if (!sound) return tl::make_unexpected(sound.error());
  if (const auto row = sound->step(); !row || (*row && sound->text(0) != "ok"))
    return fail(Code::journal_corrupt,
                fmt::format("{}: {}", path, row ? sound->text(0) : row.error().detail));
  auto rows = (*db)->prepare("SELECT seq, body, sum FROM event ORDER BY seq");
  if (!rows) return tl::make_unexpected(rows.error());
  JournalCheck check;
  LeaseIndex index;
  Digest before;
  std::vector<std::pair<Seq, LeaseFact>> wanted;
  for (;;) {
    const auto row = rows->step();
    if (!row) return tl::make_unexpected(row.error());
    if (!*row) break;
    const Seq seq{static_cast<std::uint64_t>(rows->number(0))};
    if (seq.value != check.last.value + 1)
      return fail(Code::journal_corrupt, fmt::format("record {} is missing", check.last.value + 1));
    before = chain_sum(before, seq, rows->blob(1));
    if (!std::ranges::equal(rows->blob(2), before.data))
      return fail(Code::journal_corrupt,
                  fmt::format("record {} does not have its checksum", seq.value));
    const auto record = decode_record(rows->blob(1));
    if (!record)
      return fail(Code::journal_corrupt,
                  fmt::format("record {}: {}", seq.value, record.error().detail));
    const auto facts = index.add(record->facts);
    for (const LeaseFact& fact : facts) wanted.emplace_back(seq, fact);
    check.last = seq;
    ++check.records;
  }
  check.lease_rows = wanted.size();
  std::ranges::stable_sort(wanted, [](const auto& a, const auto& b) {
    return std::tuple(a.first, a.second.position, a.second.lease) <
           std::tuple(b.first, b.second.position, b.second.lease);
  });
  if (auto same = compare_view(**db, wanted); !same) return tl::make_unexpected(same.error());
  return check;
}

}  // namespace weft::broker
