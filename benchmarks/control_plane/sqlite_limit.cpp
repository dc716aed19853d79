// weft-sqlite-limit: how fast SQLite itself commits a broker's rows. Reads the newest records of a
// journal and writes them again, byte for byte and with the same statements, into a fresh database
// beside it, `--batch` records a transaction: what the broker's rate is measured against.
// Prints one JSON object: rows, seconds, rate, commit_p50_ms.
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Row {
  sqlite3_int64 seq, epoch, ts_ms;
  std::string body, sum;
};

void must(sqlite3* db, int rc, const char* doing) {
  if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW) return;
  fmt::print(stderr, "weft-sqlite-limit: {}: {}\n", doing, sqlite3_errmsg(db));
  std::exit(1);
}

std::string column_blob(sqlite3_stmt* statement, int column) {
  return {static_cast<const char*>(sqlite3_column_blob(statement, column)),
          static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
}

std::vector<Row> read_rows(const std::string& journal, std::size_t count) {
  sqlite3* db = nullptr;
  must(db, sqlite3_open_v2(journal.c_str(), &db, SQLITE_OPEN_READONLY, nullptr), journal.c_str());
  sqlite3_stmt* select = nullptr;
  must(db,
       sqlite3_prepare_v2(db,
                          "SELECT seq, epoch, ts_ms, body, sum FROM event ORDER BY seq DESC "
                          "LIMIT ?",
                          -1, &select, nullptr),
       "read the journal");
  sqlite3_bind_int64(select, 1, static_cast<sqlite3_int64>(count));
  std::vector<Row> rows;
  while (sqlite3_step(select) == SQLITE_ROW)
    rows.push_back({sqlite3_column_int64(select, 0), sqlite3_column_int64(select, 1),
                    sqlite3_column_int64(select, 2), column_blob(select, 3),
                    column_blob(select, 4)});
  sqlite3_finalize(select);
  sqlite3_close(db);
  std::reverse(rows.begin(), rows.end());
  return rows;
}

class Writer {  // the journal's tables and settings, see broker/shell/sqlite_store.cpp
 public:
  explicit Writer(const std::string& path) {
    must(db_, sqlite3_open(path.c_str(), &db_), path.c_str());
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
        "CREATE TABLE event(seq INTEGER PRIMARY KEY, epoch INT, ts_ms INT, body BLOB, sum BLOB);");
    prepare("INSERT INTO event VALUES(?,?,?,?,?)", &insert_);
    prepare(
        "INSERT INTO meta(name, value) VALUES(?,?) "
        "ON CONFLICT(name) DO UPDATE SET value=excluded.value",
        &mark_);
  }
  ~Writer() {
    sqlite3_finalize(insert_);
    sqlite3_finalize(mark_);
    sqlite3_close(db_);
  }
  void commit(const Row* first, const Row* last) {
    run("BEGIN IMMEDIATE");
    for (const Row* row = first; row != last; ++row) put(*row);
    for (const char* name : {"clock_boot", "clock_boottime_ms", "clock_ledger_ms"}) {
      sqlite3_bind_text(mark_, 1, name, -1, SQLITE_STATIC);
      sqlite3_bind_int64(mark_, 2, first->ts_ms);
      must(db_, sqlite3_step(mark_), "mark the clock");
      sqlite3_reset(mark_);
    }
    run("COMMIT");
  }

 private:
  void run(const char* sql) { must(db_, sqlite3_exec(db_, sql, nullptr, nullptr, nullptr), sql); }
  void prepare(const char* sql, sqlite3_stmt** statement) {
    must(db_, sqlite3_prepare_v2(db_, sql, -1, statement, nullptr), sql);
  }
  void put(const Row& row) {
    sqlite3_bind_int64(insert_, 1, row.seq);
    sqlite3_bind_int64(insert_, 2, row.epoch);
    sqlite3_bind_int64(insert_, 3, row.ts_ms);
    sqlite3_bind_blob(insert_, 4, row.body.data(), static_cast<int>(row.body.size()),
                      SQLITE_STATIC);
    sqlite3_bind_blob(insert_, 5, row.sum.data(), static_cast<int>(row.sum.size()), SQLITE_STATIC);
    must(db_, sqlite3_step(insert_), "insert");
    sqlite3_reset(insert_);
  }
  sqlite3* db_ = nullptr;
  sqlite3_stmt *insert_ = nullptr, *mark_ = nullptr;
};

void measure(const std::string& journal, std::size_t batch, std::size_t count) {
  const std::vector<Row> rows = read_rows(journal, count);
  if (rows.empty()) {
    fmt::print(stderr, "weft-sqlite-limit: {} holds no record\n", journal);
    std::exit(1);
  }
  const std::string path = journal + ".limit";
  std::vector<double> took;
  const auto began = Clock::now();
  {
    Writer writer(path);
    for (std::size_t i = 0; i < rows.size(); i += batch) {
      const auto start = Clock::now();
      writer.commit(&rows[i], &rows[i] + std::min(batch, rows.size() - i));
      took.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  for (const char* end : {"", "-wal", "-shm"}) unlink((path + end).c_str());
  std::sort(took.begin(), took.end());
  fmt::print("{{\"rows\": {}, \"seconds\": {:.4f}, \"rate\": {:.1f}, \"commit_p50_ms\": {:.3f}}}\n",
             rows.size(), seconds, static_cast<double>(rows.size()) / seconds,
             took[took.size() / 2]);
}

}  // namespace

int main(int argc, char** argv) {
  std::string journal;
  std::size_t batch = 1, rows = 2'000;
  CLI::App app("SQLite's own rate for the rows of a broker's journal.", "weft-sqlite-limit");
  app.add_option("--journal", journal, "journal.db of the run")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--batch", batch, "records a transaction")->check(CLI::PositiveNumber);
  app.add_option("--rows", rows, "records to write")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  measure(journal, batch, rows);
  return 0;
}
