#include "worker/shell/log_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "worker/shell/attempt_dir.hpp"
#include "worker/shell/files.hpp"

namespace weft::worker {

void trim_log(int fd, std::uint64_t bytes_max) {
  constexpr std::uint64_t block = 4'096;
  struct stat found{};
  if (::fstat(fd, &found) != 0 ||
      static_cast<std::uint64_t>(found.st_blocks) * 512 <= bytes_max * 3 / 4)
    return;
  const std::uint64_t keep = bytes_max / 4 / block * block,
                      size = static_cast<std::uint64_t>(found.st_size);
  if (size <= 2 * keep) return;
  const std::uint64_t to = (size - keep) / block * block;
  ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(keep),
              static_cast<off_t>(to - keep));
}

Result<LogChunk> read_log(const Options& options, AttemptId attempt, std::uint32_t rank,
                          bool errors, std::uint64_t offset, std::uint32_t bytes_max) {
  const std::string path = log_path(options, attempt, rank, errors);
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd)
    return fail(Code::rank_unknown, fmt::format("{} keeps no log of rank {} of attempt {}",
                                                options.name, rank, attempt.value));
  struct stat found{};
  ::fstat(fd.get(), &found);
  const auto size = static_cast<std::uint64_t>(found.st_size);
  LogChunk chunk;
  chunk.offset = chunk.next = offset;
  if (offset >= size) return chunk;
  const off_t data = ::lseek(fd.get(), static_cast<off_t>(offset), SEEK_DATA);
  const std::uint64_t next_data = data < 0 ? size : static_cast<std::uint64_t>(data);
  if (next_data > offset) {
    const std::string note = fmt::format(
        "\n[weft: {} bytes of output are not kept: of more than {} MiB only the first and the last "
        "part are]\n",
        next_data - offset, limits::rank_log_bytes_max >> 20);
    chunk.data.assign(note.begin(), note.end());
    chunk.next = next_data;
    return chunk;
  }
  const off_t hole = ::lseek(fd.get(), static_cast<off_t>(offset), SEEK_HOLE);
  const std::uint64_t until = hole < 0 ? size : static_cast<std::uint64_t>(hole);
  const std::uint64_t wanted = std::clamp<std::uint64_t>(bytes_max, 1, limits::chunk_bytes_max);
  chunk.data.resize(std::min(wanted, until - offset));
  const ssize_t n =
      ::pread(fd.get(), chunk.data.data(), chunk.data.size(), static_cast<off_t>(offset));
  chunk.data.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  chunk.next = offset + chunk.data.size();
  return chunk;
}

namespace {

// Length of the UTF-8 character at the front; 0: none.
std::size_t utf8_length(std::string_view s) {
  const auto c = static_cast<unsigned char>(s[0]);
  const std::size_t n = c < 0x80         ? 1
                        : (c >> 5) == 6  ? 2
                        : (c >> 4) == 14 ? 3
                        : (c >> 3) == 30 ? 4
                                         : 0;
  if (n == 0 || n > s.size()) return 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((static_cast<unsigned char>(s[i]) >> 6) != 2) return 0;
  return n;
}

std::string tail_of(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat found{};
  if (!fd || ::fstat(fd.get(), &found) != 0 || found.st_size == 0) return {};
  const auto size = static_cast<std::uint64_t>(found.st_size);
  const std::uint64_t from = size - std::min<std::uint64_t>(size, limits::last_lines_bytes_max);
  std::string text(size - from, '\0');
  const ssize_t n = ::pread(fd.get(), text.data(), text.size(), static_cast<off_t>(from));
  text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  if (from > 0)
    if (const std::size_t line = text.find('\n');
        line != std::string::npos && line + 1 < text.size())
      text.erase(0, line + 1);
  return text;
}

}  // namespace

std::string printable(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const std::size_t n = utf8_length(bytes);
    const char c = bytes[0];
    const bool shown = n > 1 || (n == 1 && (c == '\n' || c == '\t' || (c >= ' ' && c != 127)));
    if (shown)
      out.append(bytes.substr(0, n));
    else
      out += '?';
    bytes.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return out;
}

std::string last_lines(const Options& options, AttemptId attempt, std::uint32_t rank) {
  std::string text = tail_of(log_path(options, attempt, rank, true));
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    text = tail_of(log_path(options, attempt, rank, false));
  return printable(text);
}

}  // namespace weft::worker
