// One output stream of a rank: a pipe that its holder always drains into a file. The holder
// outlives the worker, so the file grows while there is no worker; a full or broken disk loses
// output but never blocks a rank; and a program that opens /dev/stdout anew gets a pipe, not a file
// that it would truncate. Owns: both ends and the file. Thread: the holder's.
#pragma once
#include <sys/types.h>

#include <optional>

#include "worker/shell/files.hpp"

namespace weft::worker {

class LogPipe {
 public:
  // owner: may open the pipe again by /dev/stdout; none: leave it as made.
  static Result<LogPipe> open(const std::string& path, std::optional<uid_t> owner);

  int read_end() const { return read_.get(); }
  int write_end() const { return write_.get(); }
  void close_write_end() { write_.reset(); }  // in the holder, once the rank has it
  // What is in the pipe now goes to the file; at most `bytes_max`, so that one loud rank does not
  // starve the others. False: the end of the pipe.
  bool drain(std::size_t bytes_max);
  void close_read_end() { read_.reset(); }

 private:
  Fd read_, write_, file_;
  std::uint64_t size_ = 0, trimmed_at_ = 0;
  bool failed_ = false;
};

}  // namespace weft::worker
