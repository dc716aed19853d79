// Which facts of a record concern which lease: the view by which a customer reads its own lease's
// part of the journal without a walk through everybody's. Derived from the records alone, so it can
// be dropped and rebuilt. Pure; thread: one.
#pragma once
#include <map>
#include <vector>

#include "broker/shell/store.hpp"
#include "schemas/journal.hpp"

namespace weft::broker {

class LeaseIndex {
 public:
  void restore(const Snapshot& snapshot);
  // In order of position; every record once, in order of seq.
  std::vector<LeaseFact> add(const std::vector<FactBox>& facts);

 private:
  std::map<NodeId, LeaseId> metered_;  // whose time the node's open segment is
};

// The record as the holder of `lease` may see it: only the facts at `positions`, no input.
JournalRecord reduced_to(LeaseId lease, const JournalRecord& record,
                         const std::vector<std::uint32_t>& positions);

}  // namespace weft::broker
