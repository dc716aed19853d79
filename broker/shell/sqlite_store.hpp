// Store on a SQLite file in WAL mode, synchronous=FULL: its commits are as fast as a log of our own
// at the batch sizes that occur. The file is on a local file system (WAL needs shared memory); one
// broker per state directory is ensured by state_lock.hpp, and fenced here by the epoch.
#pragma once
#include <memory>
#include <string>

#include "broker/shell/store.hpp"

namespace weft::broker {

Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path);
// Opens read-only; the store must have been opened once before.
Result<std::unique_ptr<JournalReader>> open_sqlite_reader(const std::string& path);

struct JournalCheck {
  std::uint64_t records = 0, lease_rows = 0;
  Seq last;
};
// The whole file: SQLite's own check, the chain from record 1, and the lease view rebuilt and
// compared row by row. journal.corrupt names the first seq that is wrong.
Result<JournalCheck> check_sqlite_journal(const std::string& path);

}  // namespace weft::broker
