// The simulated journal: a record is durable some time after it was appended; one commit is in
// flight at a time and takes all that has gathered; a crash loses what is not durable, and the
// commit in flight as a whole or not at all.
#pragma once
#include <optional>
#include <vector>

#include "schemas/codec.hpp"
#include "tests/sim/random.hpp"

namespace weft::sim {

class Store {
 public:
  void append(JournalRecord record);  // through the codec and back, as on a disk
  // What the next commit would hold; 0 while one is in flight or nothing waits.
  std::size_t begin_commit();
  void end_commit();  // the commit in flight is durable
  // The broker is killed. `survives`: the commit in flight made it.
  std::vector<JournalRecord> crash(bool survives);
  void put_snapshot(Snapshot snapshot);  // usable once its last record is durable
  Epoch raise_epoch(bool raised);

  [[nodiscard]] Seq durable() const { return {durable_}; }
  [[nodiscard]] Seq appended() const { return {records_.size()}; }
  [[nodiscard]] bool committing() const { return in_flight_ != 0; }
  [[nodiscard]] const JournalRecord& record(Seq seq) const { return records_[seq.value - 1]; }
  [[nodiscard]] const std::optional<Snapshot>& snapshot() const { return snapshot_; }
  [[nodiscard]] Epoch epoch() const { return epoch_; }

 private:
  std::vector<JournalRecord> records_;
  std::size_t durable_ = 0, in_flight_ = 0;
  std::optional<Snapshot> snapshot_, coming_;
  Epoch epoch_{};
};

}  // namespace weft::sim
