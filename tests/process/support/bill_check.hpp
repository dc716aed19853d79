// The bill of an ended job, looked at by somebody who shares no code with the meter.
#pragma once
#include "tests/process/support/cluster.hpp"

namespace weft::test {

// `weft bill --verify` says that the journal adds up; and the segments that `weft bill` prints of
// every node of the job follow each other without a gap or a double millisecond.
void expect_exact_bill(const Cluster& cluster, std::uint64_t job);

}  // namespace weft::test
