#include "broker/shell/recovery.hpp"

#include <fmt/format.h>

#include <optional>

#include "base/log.hpp"

namespace weft::broker {
namespace {

// The snapshot as a state, if it gives the state that it was made from.
std::optional<Snapshot> restore(const StoredSnapshot& stored, Core& core) {
  auto snapshot = decode_snapshot(stored.body);
  if (!snapshot) {
    log::warn("snapshot {} cannot be read ({}); trying the one before", stored.seq.value,
              to_string(snapshot.error()));
    return std::nullopt;
  }
  core.restore(*snapshot);
  if (core.digest() == stored.state) return std::move(*snapshot);
  log::warn("snapshot {} gives state {} instead of {}; trying the one before", stored.seq.value,
            to_hex(core.digest()), to_hex(stored.state));
  return std::nullopt;
}

}  // namespace

Result<Recovered> recover(Store& store, const CoreConfig& config) {
  Recovered recovered{Core(config), {}, {}, {}, 0};
  Digest chain;
  for (Seq before{INT64_MAX};;) {
    std::vector<std::string> passed;
    const auto stored = store.newest_snapshot(before, passed);
    if (!stored) return tl::make_unexpected(stored.error());
    for (const std::string& line : passed) log::warn("{}; trying the one before", line);
    if (!*stored) break;
    before = (*stored)->seq;
    Core core(config);
    const auto snapshot = restore(**stored, core);
    if (!snapshot) continue;
    recovered.core = core;
    recovered.leases.restore(*snapshot);
    recovered.last = recovered.snapshot = before;
    chain = (*stored)->chain;
    break;
  }
  auto read = store.read(
      recovered.last, chain, [&](Seq seq, std::span<const std::uint8_t> body) -> Result<void> {
        const auto record = decode_record(body);
        if (!record)
          return fail(Code::journal_corrupt,
                      fmt::format("record {}: {}", seq.value, to_string(record.error())));
        recovered.core.replay(*record);
        recovered.leases.add(record->facts);
        recovered.last = seq;
        ++recovered.replayed;
        return {};
      });
  if (!read) return tl::make_unexpected(read.error());
  const auto head = store.last_seq();
  if (!head) return tl::make_unexpected(head.error());
  if (*head != recovered.last)
    return fail(Code::journal_corrupt,
                fmt::format("the journal ends at record {}, but there is a snapshot "
                            "of record {}: records were lost",
                            head->value, recovered.last.value));
  return recovered;
}

}  // namespace weft::broker
