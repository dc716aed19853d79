// The output of a rank as a file. Of more than limits::rank_log_bytes_max the middle is given back
// to the file system as a hole: the first and the last quarter of the limit stay, offsets keep
// their meaning, and a reader finds a line that says what is missing.
#pragma once
#include "schemas/replies.hpp"
#include "worker/shell/options.hpp"

namespace weft::worker {

void trim_log(int fd, std::uint64_t bytes_max = limits::rank_log_bytes_max);
// What stands at offset, at most bytes_max. chunk.end stays false: the caller knows whether more
// may come. Errors: rank.unknown when there is no such log.
Result<LogChunk> read_log(const Options& options, AttemptId attempt, std::uint32_t rank,
                          bool errors, std::uint64_t offset, std::uint32_t bytes_max);
// The end of a rank's error output, else of its output: whole lines where possible, at most
// limits::last_lines_bytes_max, printable UTF-8.
std::string last_lines(const Options& options, AttemptId attempt, std::uint32_t rank);
std::string printable(std::string_view bytes);

}  // namespace weft::worker
