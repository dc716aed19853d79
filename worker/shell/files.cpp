#include "worker/shell/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weft::worker {

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Error errno_error(Code code, const std::string& what, int number) {
  return {code, fmt::format("{}: {}", what, std::strerror(number))};
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return tl::make_unexpected(errno_error(Code::state_dir, path, errno));
  std::string out;
  char piece[16'384];
  for (;;) {
    const ssize_t n = ::read(fd.get(), piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::make_unexpected(errno_error(Code::state_dir, path, errno));
    if (n == 0) return out;
    out.append(piece, static_cast<std::size_t>(n));
    if (out.size() > bytes_max)
      return fail(Code::state_dir, fmt::format("{}: above {} bytes", path, bytes_max));
  }
}

namespace {

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

Result<void> write_file(const std::string& path, std::string_view bytes, bool durable,
                        unsigned mode) {
  const std::string aside = path + ".new";
  Fd fd(::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd || !write_all(fd.get(), bytes) || (durable && ::fsync(fd.get()) != 0) ||
      ::rename(aside.c_str(), path.c_str()) != 0)
    return tl::make_unexpected(errno_error(Code::state_dir, path, errno));
  if (!durable) return {};
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0)
    return tl::make_unexpected(errno_error(Code::state_dir, folder, errno));
  return {};
}

Result<void> make_directory(const std::string& path, unsigned mode) {
  for (std::size_t i = 1; i < path.size(); ++i)
    if (path[i] == '/' && ::mkdir(path.substr(0, i).c_str(), 0755) != 0 && errno != EEXIST)
      return tl::make_unexpected(errno_error(Code::state_dir, path.substr(0, i), errno));
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
    return tl::make_unexpected(errno_error(Code::state_dir, path, errno));
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0)
    return tl::make_unexpected(errno_error(Code::state_dir, path, errno));
  if (!S_ISDIR(found.st_mode)) return fail(Code::state_dir, path + ": not a directory");
  return {};
}

}  // namespace weft::worker
