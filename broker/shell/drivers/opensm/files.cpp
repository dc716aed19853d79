#include "broker/shell/drivers/opensm/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/limits.hpp"

namespace weft::broker {
namespace {

constexpr std::size_t fabric_file_bytes_max = std::size_t{512} << 20;

tl::unexpected<Error> file_error(const std::string& path, const char* what) {
  return fail(Code::os_error, fmt::format("{}: {}: {}", path, what, std::strerror(errno)));
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

Result<std::string> whole_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return file_error(path, "open");
  std::string out;
  std::string chunk(1 << 20, '\0');
  while (out.size() <= fabric_file_bytes_max) {
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      ::close(fd);
      if (n < 0) return file_error(path, "read");
      return out;
    }
    out.append(chunk.data(), static_cast<std::size_t>(n));
  }
  ::close(fd);
  return fail(Code::os_error, path + ": too large");
}

Result<void> replace_file(const std::string& path, std::string_view text) {
  const std::string beside = path + ".new";
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return file_error(beside, "open");
  const bool good = write_all(fd, text) && ::fsync(fd) == 0;
  ::close(fd);
  if (!good) return file_error(beside, "write");
  if (::rename(beside.c_str(), path.c_str()) != 0) return file_error(path, "rename");
  const int folder = ::open(path.substr(0, path.rfind('/') + 1).c_str(), O_RDONLY | O_CLOEXEC);
  if (folder < 0) return file_error(path, "open its folder");
  const int synced = ::fsync(folder);
  ::close(folder);
  if (synced != 0) return file_error(path, "fsync of its folder");
  return {};
}

}  // namespace weft::broker
