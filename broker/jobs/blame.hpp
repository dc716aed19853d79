// Who ended an attempt, and what that means for the job. Pure.
// The exit code of a job is its culprit's own, or 128 + signal; victims never count.
#pragma once
#include <optional>
#include <string>

#include "schemas/state.hpp"

namespace weft::broker::jobs {

inline constexpr int exit_unplaced = 69, exit_time_limit = 124, exit_weft_failed = 125,
                     exit_cancelled = 143;

bool bad(const RankEnd& end);                           // not an exit with 0
Blame blame_for(const RankEnd& end, const Node& node);  // of a bad end
Blame blame_for_silence(const Node& node, std::uint32_t first_rank, Code code, std::string detail);
// A later death explains the stop better than the one that was seen first: a rank that was killed
// outranks one that merely exited, because ranks exit with an error when a peer is killed.
bool explains_better(const Blame& later, const Blame& first);
int exit_code_of(const Blame& blame);
std::string sentence(const Blame& blame);  // "rank 2 (n3) was killed by signal 9"
std::string sentence(const RankEnd& end);  // "exited with 3"

}  // namespace weft::broker::jobs
