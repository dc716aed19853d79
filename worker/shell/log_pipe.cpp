#include "worker/shell/log_pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.hpp"
#include "worker/shell/log_file.hpp"

namespace weft::worker {

Result<LogPipe> LogPipe::open(const std::string& path, std::optional<uid_t> owner) {
  LogPipe out;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return tl::make_unexpected(errno_error(Code::launch_refused, "pipe", errno));
  out.read_ = Fd(ends[0]);
  out.write_ = Fd(ends[1]);
  ::fcntl(out.read_.get(), F_SETFL, O_NONBLOCK);
  if (owner && ::fchown(out.write_.get(), *owner, *owner) != 0)
    return tl::make_unexpected(errno_error(Code::launch_refused, "owner of a pipe", errno));
  out.file_ = Fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!out.file_) return tl::make_unexpected(errno_error(Code::launch_refused, path, errno));
  return out;
}

bool LogPipe::drain(std::size_t bytes_max) {
  static char piece[64 << 10];
  while (read_ && bytes_max > 0) {
    const ssize_t n = ::read(read_.get(), piece, std::min(sizeof piece, bytes_max));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 && errno == EAGAIN;
    bytes_max -= static_cast<std::size_t>(n);
    const ssize_t written = ::write(file_.get(), piece, static_cast<std::size_t>(n));
    if (written != n && !failed_) {
      failed_ = true;
      log::error("output is lost: {}", written < 0 ? std::strerror(errno) : "the disk is full");
    }
    size_ += static_cast<std::uint64_t>(std::max<ssize_t>(written, 0));
    if (size_ < trimmed_at_ + limits::rank_log_bytes_max / 4) continue;
    trimmed_at_ = size_;  // looked at after each quarter, so the file stays below the limit
    trim_log(file_.get());
  }
  return static_cast<bool>(read_);
}

}  // namespace weft::worker
