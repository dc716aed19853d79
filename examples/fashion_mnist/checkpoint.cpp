#include "checkpoint.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace fashion {
namespace {

namespace fs = std::filesystem;
using weft::Code;
using weft::fail;
using weft::Result;

constexpr std::size_t kept = 2;

struct Header {
  char magic[8];
  std::uint64_t settings, step, count;
};
constexpr char magic[8] = {'W', 'E', 'F', 'T', 'F', 'M', '0', '1'};

std::uint32_t checksum(std::uint32_t sum, const void* data, std::size_t size) {
  return static_cast<std::uint32_t>(::crc32_z(sum, static_cast<const Bytef*>(data), size));
}
std::uint32_t checksum_of(const Header& header, const State& state) {
  std::uint32_t sum = checksum(0, &header, sizeof header);
  sum = checksum(sum, state.weights.data(), state.weights.size() * sizeof(float));
  return checksum(sum, state.velocity.data(), state.velocity.size() * sizeof(float));
}

// Newest first.
std::vector<fs::path> files_of(const std::string& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator i(folder, error), end; !error && i != end; i.increment(error)) {
    const std::string name = i->path().filename().string();
    if (name.starts_with("step-") && name.ends_with(".ckpt")) out.push_back(i->path());
  }
  std::sort(out.rbegin(), out.rend());  // the step is padded with zeros
  return out;
}

tl::unexpected<weft::Error> system_error(const std::string& path, const char* what) {
  return fail(Code::os_error, fmt::format("{}: cannot {}: {}", path, what, std::strerror(errno)));
}

bool write_all(int fd, const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::write(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    at += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

Result<void> write_aside(const std::string& path, const State& state) {
  Header header{{}, state.settings, state.step, state.weights.size()};
  std::memcpy(header.magic, magic, sizeof magic);
  const std::uint32_t sum = checksum_of(header, state);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return system_error(path, "create");
  const bool good = write_all(fd, &header, sizeof header) &&
                    write_all(fd, state.weights.data(), state.weights.size() * sizeof(float)) &&
                    write_all(fd, state.velocity.data(), state.velocity.size() * sizeof(float)) &&
                    write_all(fd, &sum, sizeof sum) && ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  errno = error;
  if (!good) return system_error(path, "write");
  return {};
}

std::optional<State> read_checkpoint(const fs::path& path, std::uint64_t settings,
                                     std::size_t weight_count) {
  const auto skip = [&](const char* why) {
    fmt::print(stderr, "fashion_mnist: skipping {}: {}\n", path.string(), why);
    return std::nullopt;
  };
  std::ifstream in(path, std::ios::binary);
  Header header{};
  if (!in.read(reinterpret_cast<char*>(&header), sizeof header)) return skip("too short");
  if (std::memcmp(header.magic, magic, sizeof magic) != 0) return skip("not a checkpoint");
  if (header.settings != settings || header.count != weight_count)
    return skip("made with other settings");
  State state{header.settings, header.step, std::vector<float>(weight_count),
              std::vector<float>(weight_count)};
  const auto bytes = static_cast<std::streamsize>(weight_count * sizeof(float));
  std::uint32_t sum = 0;
  in.read(reinterpret_cast<char*>(state.weights.data()), bytes);
  in.read(reinterpret_cast<char*>(state.velocity.data()), bytes);
  if (!in.read(reinterpret_cast<char*>(&sum), sizeof sum)) return skip("too short");
  if (sum != checksum_of(header, state)) return skip("its checksum is wrong");
  return state;
}

}  // namespace

Result<void> write_checkpoint(const std::string& folder, const State& state) {
  const std::string path = fmt::format("{}/step-{:012}.ckpt", folder, state.step),
                    aside = path + ".new";
  if (auto written = write_aside(aside, state); !written) {
    ::unlink(aside.c_str());
    return written;
  }
  if (::rename(aside.c_str(), path.c_str()) != 0) return system_error(path, "rename");
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  if (!synced) return system_error(folder, "sync");
  const auto all = files_of(folder);
  for (std::size_t i = kept; i < all.size(); ++i) {
    std::error_code ignored;  // a file too many does no harm
    fs::remove(all[i], ignored);
  }
  return {};
}

std::optional<State> newest_checkpoint(const std::string& folder, std::uint64_t settings,
                                       std::size_t weight_count) {
  for (const fs::path& path : files_of(folder))
    if (auto state = read_checkpoint(path, settings, weight_count)) return state;
  return std::nullopt;
}

}  // namespace fashion
