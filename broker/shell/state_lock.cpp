#include "broker/shell/state_lock.hpp"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstring>
#include <utility>

namespace weft::broker {

Result<StateLock> StateLock::take(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail(Code::state_dir, fmt::format("{}: {}", path, std::strerror(errno)));
  StateLock lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    char holder[32] = {};
    const ssize_t size = pread(fd, holder, sizeof holder - 1, 0);
    return fail(Code::journal_locked,
                fmt::format("{} is held by the broker with pid {}; stop it first, or use another "
                            "--state",
                            path, size > 0 ? holder : "?"));
  }
  const std::string pid = std::to_string(getpid());
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0)
    return fail(Code::state_dir, fmt::format("{}: {}", path, std::strerror(errno)));
  return lock;
}

StateLock::StateLock(StateLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
StateLock::~StateLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace weft::broker
