#include "tests/sim/store.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/planted.hpp"

namespace weft::sim {

void Store::append(JournalRecord record) {
  WEFT_ASSERT(record.seq.value == records_.size() + 1, "records are appended in order");
  auto read_back = decode_record(encode(record));
  WEFT_ASSERT(read_back.has_value(), "the codec refuses a record that it has encoded");
  WEFT_ASSERT(*read_back == record, "the codec changes a record");
  records_.push_back(std::move(*read_back));
}

std::size_t Store::begin_commit() {
  if (in_flight_ != 0) return 0;
  in_flight_ = std::min(records_.size() - durable_, limits::batch_records_max);
  return in_flight_;
}

void Store::end_commit() {
  durable_ += in_flight_;
  in_flight_ = 0;
  if (coming_ && coming_->seq.value <= durable_) {
    snapshot_ = std::move(coming_);
    coming_.reset();
  }
}

std::vector<JournalRecord> Store::crash(bool survives) {
  if (survives && in_flight_ != 0) end_commit();
  in_flight_ = 0;
  coming_.reset();
  if (planted(204) && durable_ > 2) --durable_;  // acknowledged before it was synced
  std::vector<JournalRecord> lost(records_.begin() + static_cast<std::ptrdiff_t>(durable_),
                                  records_.end());
  records_.resize(durable_);
  return lost;
}

void Store::put_snapshot(Snapshot snapshot) {
  auto read_back = decode_snapshot(encode(snapshot));
  WEFT_ASSERT(read_back.has_value(), "the codec refuses a snapshot that it has encoded");
  WEFT_ASSERT(*read_back == snapshot, "the codec changes a snapshot");
  if (planted(203))
    snapshot_ = std::move(*read_back);  // also of what may yet be lost
  else
    coming_ = std::move(*read_back);
}

Epoch Store::raise_epoch(bool raised) {
  if (raised || epoch_.value == 0) ++epoch_.value;
  return epoch_;
}

}  // namespace weft::sim
