// The broker's durable memory: an append-only list of records, snapshots of the state that they add
// up to, and the right to write under one epoch. SQLite today (sqlite_store.hpp); another back end
// is another file. Format: docs/specs/004-journal.md. Promise: once append() or put_snapshot() has
// returned, what it wrote survives kill -9 and power
//   loss, in order, whole or not at all. A writer whose epoch is no longer the newest gets
//   epoch.fenced and must stop.
// Owns: the file or the connection. Thread: one at a time (the journal thread once it runs).
// Errors: journal.io (never retry: a failed fsync may have dropped pages), journal.corrupt (names
// the
//   seq), epoch.fenced.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "schemas/codec.hpp"

namespace weft::broker {

// Where the ledger's clock stood: a restart on the same boot continues exactly, see clock.hpp.
struct ClockMark {
  std::string boot;  // kernel's boot id
  std::int64_t boottime_ms = 0;
  Instant ledger;
  bool operator==(const ClockMark&) const = default;
};

struct LeaseFact {  // "fact number `position` of this record concerns this lease"
  LeaseId lease;
  std::uint32_t position = 0;
  bool operator==(const LeaseFact&) const = default;
};

struct Record {  // one row to be
  Seq seq;
  Epoch epoch;
  Instant at;
  Blob body;  // encoded JournalRecord
  std::vector<LeaseFact> leases;
};

struct StoredSnapshot {
  Seq seq;
  Digest state;  // Core::digest() there
  Digest chain;  // sum of record seq
  Blob body;     // encoded Snapshot
};

class Store {
 public:
  virtual ~Store() = default;

  // Raises the epoch by one, durably, and makes this store the only writer from here on.
  [[nodiscard]] virtual Result<Epoch> lead() = 0;
  [[nodiscard]] virtual Result<void> append(Epoch mine, std::span<const Record> batch,
                                            const ClockMark& mark) = 0;
  // Keeps the newest two.
  [[nodiscard]] virtual Result<void> put_snapshot(Epoch mine, Seq seq, const Digest& state,
                                                  const Blob& body) = 0;
  // The newest whole one before `before`; damaged ones are passed over, each named in `passed`.
  [[nodiscard]] virtual Result<std::optional<StoredSnapshot>> newest_snapshot(
      Seq before, std::vector<std::string>& passed) = 0;
  // Every record after `after`, in order; `chain` is the sum of record `after`.
  using Sink = std::function<Result<void>(Seq, std::span<const std::uint8_t> body)>;
  [[nodiscard]] virtual Result<void> read(Seq after, const Digest& chain, const Sink& sink) = 0;
  [[nodiscard]] virtual Result<Seq> last_seq() = 0;
  [[nodiscard]] virtual Result<std::optional<ClockMark>> clock_mark() = 0;
  // House-keeping between batches; `idle`: nobody is waiting for a commit now.
  [[nodiscard]] virtual Result<void> tidy(bool idle) = 0;
};

// Reads what is durable while the journal thread writes. Thread: one at a time, any.
class JournalReader {
 public:
  virtual ~JournalReader() = default;
  // At most about `bytes_max` of records from `from` on. A lease: only records with a fact of that
  // lease, reduced to those facts (no input, sum zero); else whole, as stored.
  [[nodiscard]] virtual Result<JournalChunk> chunk(Seq from, LeaseId lease,
                                                   std::size_t bytes_max) = 0;
};

}  // namespace weft::broker
