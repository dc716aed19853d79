// STATE/attempts/ID: what a worker keeps of one attempt.
//   order        Prepare, as it came            state      HolderState, the newest
//   rank-R.out, rank-R.err  the ranks' output   holder.sock, holder.log
//   rank-R.error.json       torch's error file  notice     told to the ranks by path
//   forgotten    a mark: the broker has journaled its end; only the logs stay
// 0710, group: the job's. Its user may pass to the files that are its own, and list nothing.
#pragma once
#include <optional>
#include <vector>

#include "schemas/holder.hpp"
#include "worker/shell/options.hpp"

namespace weft::worker {

Result<void> store_order(const Options& options, const Prepare& order);
Result<Prepare> load_order(const Options& options, AttemptId attempt);
Result<void> store_state(const Options& options, const HolderState& state);
Result<HolderState> load_state(const Options& options, AttemptId attempt);
void mark_forgotten(const Options& options, AttemptId attempt);
bool is_forgotten(const Options& options, AttemptId attempt);
std::vector<AttemptId> list_attempts(const Options& options);               // ascending
std::uint64_t bytes_of_attempt(const Options& options, AttemptId attempt);  // as stored on disk
void remove_attempt(const Options& options, AttemptId attempt);

std::string log_path(const Options& options, AttemptId attempt, std::uint32_t rank, bool errors);

}  // namespace weft::worker
