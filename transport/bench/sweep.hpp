// The sweep as one rank runs it: every size, type and reduction, out of place and in place, timed
// and checked. Rank 0 tells the result, a line of JSON a row (docs/guide-performance.md). All ranks
// call the same operations. Thread: one.
#pragma once
#include <functional>
#include <string>

#include "transport/bench/spec.hpp"
#include "transport/mesh.hpp"

namespace weft::transport::bench {

// `tell`: only called on rank 0. The value: elements that were wrong, over all rows and ranks.
Result<std::uint64_t> sweep(Mesh& mesh, const Spec& spec,
                            const std::function<void(const std::string& line)>& tell);

}  // namespace weft::transport::bench
