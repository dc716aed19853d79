#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/digest.hpp"
#include "broker/shell/sqlite_store_class.hpp"

namespace weft::broker {
namespace {

constexpr std::int64_t snapshot_rules = 1;  // of what a snapshot's fields mean

Digest snapshot_sum(Seq seq, const Digest& state, const Digest& chain,
                    std::span<const std::uint8_t> body) {
  Hasher hasher;
  hasher.add(seq.value);
  hasher.add(static_cast<std::uint64_t>(snapshot_rules));
  hasher.add(std::span<const std::uint8_t>(state.data));
  hasher.add(std::span<const std::uint8_t>(chain.data));
  hasher.add(body);
  return hasher.finish();
}

}  // namespace

Result<void> SqliteStore::put_snapshot(Epoch mine, Seq seq, const Digest& state, const Blob& body) {
  WEFT_ASSERT(seq == head_, "a snapshot is of the newest durable record");
  return transaction(Failpoint::in_snapshot, [&]() -> Result<void> {
    if (auto mine_still = check_fence(mine); !mine_still) return mine_still;
    auto insert = db_->prepare(
        "INSERT OR REPLACE INTO snapshot(seq, rules, state, chain, body, sum) "
        "VALUES(?,?,?,?,?,?)");
    if (!insert) return tl::make_unexpected(insert.error());
    const Digest sum = snapshot_sum(seq, state, chain_, body);
    auto put = insert->bind(1, static_cast<std::int64_t>(seq.value))
                   .bind(2, snapshot_rules)
                   .bind(3, std::span<const std::uint8_t>(state.data))
                   .bind(4, std::span<const std::uint8_t>(chain_.data))
                   .bind(5, std::span<const std::uint8_t>(body))
                   .bind(6, std::span<const std::uint8_t>(sum.data))
                   .finish();
    if (!put) return put;
    return db_->run(
        "DELETE FROM snapshot WHERE seq NOT IN "
        "(SELECT seq FROM snapshot ORDER BY seq DESC LIMIT 2)");
  });
}

Result<std::optional<StoredSnapshot>> SqliteStore::newest_snapshot(
    Seq before, std::vector<std::string>& passed) {
  auto rows = db_->prepare(
      "SELECT seq, rules, state, chain, body, sum FROM snapshot WHERE seq < ? "
      "ORDER BY seq DESC");
  if (!rows) return tl::make_unexpected(rows.error());
  rows->bind(1, static_cast<std::int64_t>(before.value));
  for (;;) {
    const auto row = rows->step();
    if (!row) return tl::make_unexpected(row.error());
    if (!*row) return std::optional<StoredSnapshot>();
    StoredSnapshot found;
    found.seq = {static_cast<std::uint64_t>(rows->number(0))};
    found.state = digest_from(rows->blob(2));
    found.chain = digest_from(rows->blob(3));
    const auto body = rows->blob(4);
    if (rows->number(1) != snapshot_rules) {
      passed.push_back(
          fmt::format("snapshot {} has rules version {}", found.seq.value, rows->number(1)));
    } else if (snapshot_sum(found.seq, found.state, found.chain, body) !=
               digest_from(rows->blob(5))) {
      passed.push_back(fmt::format("snapshot {} does not have its checksum", found.seq.value));
    } else {
      found.body.assign(body.begin(), body.end());
      return found;
    }
  }
}

}  // namespace weft::broker
