// Private to the SQLite store: its class, whose parts stand in sqlite_store.cpp (records, epoch,
// clock) and sqlite_snapshots.cpp.
#pragma once
#include <algorithm>

#include "broker/shell/failpoint.hpp"
#include "broker/shell/sqlite.hpp"
#include "broker/shell/store.hpp"

namespace weft::broker {

class SqliteStore final : public Store {
 public:
  static Result<std::unique_ptr<Store>> open(const std::string& path);

  Result<Epoch> lead() override;
  Result<void> append(Epoch mine, std::span<const Record> batch, const ClockMark& mark) override;
  Result<void> put_snapshot(Epoch mine, Seq seq, const Digest& state, const Blob& body) override;
  Result<std::optional<StoredSnapshot>> newest_snapshot(Seq before,
                                                        std::vector<std::string>& passed) override;
  Result<void> read(Seq after, const Digest& chain, const Sink& sink) override;
  Result<Seq> last_seq() override;
  Result<std::optional<ClockMark>> clock_mark() override;
  Result<void> tidy(bool idle) override;

 private:
  Result<void> prepare_all();
  Result<void> find_head();
  Result<void> check_schema();
  Result<std::int64_t> meta_number(const char* name);
  Result<void> put_meta(const char* name, std::int64_t value);
  Result<void> put_meta(const char* name, std::string_view value);
  Result<void> check_fence(Epoch mine);
  Result<void> put_record(const Record& record);
  Result<void> put_clock(const ClockMark& mark);
  // Runs `work` between BEGIN IMMEDIATE and COMMIT; a failure rolls back.
  template <class Work>
  Result<void> transaction(Failpoint at_commit, Work&& work);

  std::unique_ptr<sqlite::Database> db_;
  sqlite::Statement begin_, commit_, rollback_, insert_event_, insert_lease_, get_meta_, set_meta_;
  Digest chain_;  // sum of the newest record
  Seq head_;
};

inline Digest digest_from(std::span<const std::uint8_t> blob) {
  Digest digest;
  if (blob.size() == digest.data.size()) std::copy(blob.begin(), blob.end(), digest.data.begin());
  return digest;
}

template <class Work>
Result<void> SqliteStore::transaction(Failpoint at_commit, Work&& work) {
  if (auto begun = begin_.finish(); !begun) return begun;
  Result<void> done = work();
  if (done) {
    failpoint(at_commit);
    done = commit_.finish();
  }
  if (!done) (void)rollback_.finish();  // the first error is the one to report
  return done;
}

}  // namespace weft::broker
