// Records and a raw look at the journal's file, for the tests of the store.
#pragma once
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "broker/shell/sqlite_store.hpp"

namespace weft::broker {

inline Record record(std::uint64_t seq, std::uint64_t epoch, std::size_t padding = 0) {
  JournalRecord content;
  content.seq = {seq};
  content.epoch = {epoch};
  content.at = {1'000'000 + static_cast<std::int64_t>(seq)};
  content.input.assign(padding, static_cast<std::uint8_t>(seq));
  content.facts.push_back({EpochBegan{{epoch}, content.at, "test"}});
  return {content.seq, content.epoch, content.at, encode(content), {}};
}

inline ClockMark mark(std::int64_t ledger_ms = 5'000) { return {"boot-a", 77, {ledger_ms}}; }

inline std::unique_ptr<Store> open_store(const std::string& path) {
  auto store = open_sqlite_store(path);
  EXPECT_TRUE(store) << to_string(store.error());
  return store ? std::move(*store) : nullptr;
}

// How many records a store gives back, each checked against the chain; or why not.
inline Result<std::uint64_t> count_records(Store& store) {
  std::uint64_t count = 0;
  auto read = store.read({}, {}, [&](Seq, std::span<const std::uint8_t>) -> Result<void> {
    ++count;
    return {};
  });
  if (!read) return tl::make_unexpected(read.error());
  return count;
}

// What somebody with an editor could do to the file.
inline void tamper(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message;
  sqlite3_close(db);
}

}  // namespace weft::broker
