#include "broker/shell/sqlite.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <utility>

#include "base/assert.hpp"

namespace weft::broker::sqlite {

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Mode mode) {
  std::unique_ptr<Database> db(new Database);
  db->path_ = path;
  const int flags =
      mode == Mode::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  if (sqlite3_open_v2(path.c_str(), &db->handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr) !=
      SQLITE_OK)
    return tl::make_unexpected(db->error("open"));
  sqlite3_extended_result_codes(db->handle_, 1);
  sqlite3_busy_timeout(db->handle_, 5'000);
  if (mode == Mode::read) return db;
  // FULL: a commit returns when its pages are on the disk. Checkpoints are ours to time.
  if (auto ok = db->run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                        "PRAGMA wal_autocheckpoint=0;");
      !ok)
    return tl::make_unexpected(ok.error());
  sqlite3_wal_hook(db->handle_, &Database::on_commit, db.get());
  return db;
}

Database::~Database() { sqlite3_close_v2(handle_); }

int Database::on_commit(void* self, sqlite3*, const char*, int pages) {
  static_cast<Database*>(self)->wal_pages_ = pages;
  return SQLITE_OK;
}

Error Database::error(std::string_view doing) const {
  const int code = handle_ == nullptr ? SQLITE_NOMEM : sqlite3_extended_errcode(handle_);
  const bool damaged = (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
  return {damaged ? Code::journal_corrupt : Code::journal_io,
          fmt::format("{}: {}: {} (SQLite {})", path_, doing,
                      handle_ == nullptr ? "out of memory" : sqlite3_errmsg(handle_), code)};
}

Result<void> Database::run(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return tl::make_unexpected(error(sql));
  return {};
}

Result<Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* handle = nullptr;
  if (sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr) !=
      SQLITE_OK)
    return tl::make_unexpected(error(sql));
  return Statement(this, handle);
}

Result<void> Database::checkpoint() {
  const int rc =
      sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (rc != SQLITE_OK && rc != SQLITE_BUSY && rc != SQLITE_LOCKED)
    return tl::make_unexpected(error("checkpoint"));
  wal_pages_ = 0;
  return {};
}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), handle_(std::exchange(other.handle_, nullptr)) {}
Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(database_, other.database_);
  std::swap(handle_, other.handle_);
  return *this;
}
Statement::~Statement() { sqlite3_finalize(handle_); }

Statement& Statement::bind(int index, std::int64_t value) {
  WEFT_ASSERT(sqlite3_bind_int64(handle_, index, value) == SQLITE_OK, "bind");
  return *this;
}
Statement& Statement::bind(int index, std::string_view text) {
  WEFT_ASSERT(sqlite3_bind_text(handle_, index, text.data(), static_cast<int>(text.size()),
                                SQLITE_TRANSIENT) == SQLITE_OK,
              "bind");
  return *this;
}
Statement& Statement::bind(int index, std::span<const std::uint8_t> blob) {
  WEFT_ASSERT(
      sqlite3_bind_blob64(handle_, index, blob.data(), blob.size(), SQLITE_STATIC) == SQLITE_OK,
      "bind");
  return *this;
}

Result<bool> Statement::step() {
  switch (sqlite3_step(handle_)) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: break;
  }
  auto error = database_->error(sqlite3_sql(handle_));
  sqlite3_reset(handle_);
  return tl::make_unexpected(std::move(error));
}

Result<void> Statement::finish() {
  auto row = step();
  if (!row) return tl::make_unexpected(std::move(row.error()));
  WEFT_ASSERT(!*row, "a statement without rows returned one");
  reset();
  return {};
}

void Statement::reset() { sqlite3_reset(handle_); }

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(handle_, column); }
std::string Statement::text(int column) const {
  const auto* bytes = sqlite3_column_text(handle_, column);
  return bytes == nullptr
             ? std::string()
             : std::string(reinterpret_cast<const char*>(bytes),
                           static_cast<std::size_t>(sqlite3_column_bytes(handle_, column)));
}
std::span<const std::uint8_t> Statement::blob(int column) const {
  const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(handle_, column));
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

}  // namespace weft::broker::sqlite
