// RAII over the few SQLite calls that the journal needs. Errors are journal.io with SQLite's words
// and the file. Thread: one at a time.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace weft::broker::sqlite {

class Statement;

class Database {
 public:
  enum class Mode { write, read };
  static Result<std::unique_ptr<Database>> open(const std::string& path, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  [[nodiscard]] Result<void> run(const char* sql);  // one or more statements, no rows
  [[nodiscard]] Result<Statement> prepare(const char* sql);
  // Moves pages from the WAL to the database file as far as readers allow.
  [[nodiscard]] Result<void> checkpoint();
  [[nodiscard]] int wal_pages() const { return wal_pages_; }
  [[nodiscard]] Error error(std::string_view doing) const;

 private:
  Database() = default;
  static int on_commit(void* self, sqlite3*, const char*, int pages);
  sqlite3* handle_ = nullptr;
  std::string path_;
  int wal_pages_ = 0;
};

// Bind, step, read columns, reset; prepared once, used often.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, std::span<const std::uint8_t> blob);  // must live until reset
  [[nodiscard]] Result<bool> step();                               // true: a row is there
  [[nodiscard]] Result<void> finish();                             // step without rows, then reset
  void reset();

  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::span<const std::uint8_t> blob(int column) const;  // until the next step

 private:
  friend class Database;
  Statement(Database* database, sqlite3_stmt* handle) : database_(database), handle_(handle) {}
  Database* database_ = nullptr;
  sqlite3_stmt* handle_ = nullptr;
};

}  // namespace weft::broker::sqlite
