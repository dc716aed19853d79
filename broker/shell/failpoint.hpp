// Places where a test can make the broker die as by kill -9: `weft-broker --failpoint NAME[:HITS]`
// kills the process at the HITSth pass (1 by default). Off, a pass costs one load of an int.
// Thread: any; arm() once before the others start.
#pragma once
#include <array>
#include <string_view>

#include "base/result.hpp"

namespace weft::broker {

enum class Failpoint {
  before_write,   // the batch is gathered, nothing of it is written
  before_commit,  // its rows are written, not committed
  after_commit,   // durable, and nobody was told
  after_reply,    // a reply left; the orders of the same step did not
  in_snapshot,    // a snapshot is written, not committed
  in_checkpoint,  // right before pages move from the WAL to the database
};
inline constexpr std::array<std::string_view, 6> failpoint_names{
    "before-write", "before-commit", "after-commit", "after-reply", "in-snapshot", "in-checkpoint"};

Result<void> arm_failpoint(std::string_view name_and_hits);
bool failpoint_armed(Failpoint point);
// True when this pass is the one at which to die; for places that have to flush first.
bool failpoint_due(Failpoint point);
[[noreturn]] void die_here();
inline void failpoint(Failpoint point) {
  if (failpoint_due(point)) die_here();
}

}  // namespace weft::broker
