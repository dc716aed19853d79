#include "schemas/yaml/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "schemas/yaml/print.hpp"
#include "schemas/yaml/reader.hpp"

namespace weft::yaml {
namespace {

constexpr std::size_t file_bytes_max = 64 << 10;

tl::unexpected<Error> system_error(const std::string& path, const char* what) {
  return fail(Code::state_dir, fmt::format("{}: cannot {}: {}", path, what, std::strerror(errno)));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Result<std::string> read_small_file(const std::string& path, bool secret) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    if (errno == ENOENT)
      return fail(Code::broker_not_found,
                  path + ": no such file; is a broker up with this --state?");
    return system_error(path, "read");
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return system_error(path, "read");
  if (!S_ISREG(status.st_mode)) return fail(Code::state_dir, path + ": not a regular file");
  if (secret && (status.st_mode & 077) != 0)
    return fail(Code::state_dir,
                fmt::format("{}: mode {:04o} lets others read the key; run: chmod 600 {}", path,
                            status.st_mode & 07777, path));
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path, "read");
    if (n == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > file_bytes_max)
      return fail(Code::spec_size, fmt::format("{}: larger than {} bytes", path, file_bytes_max));
  }
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// Aside, synced, renamed: a reader sees the old file or the new one, whole. A secret never exists
// under a mode that others can read.
Result<void> replace_file(const std::string& path, std::string_view text, mode_t mode) {
  const std::string aside = fmt::format("{}.{}.new", path, ::getpid());
  ::unlink(aside.c_str());
  {
    const Descriptor file(
        ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (file.get() < 0) return system_error(aside, "create");
    if (::fchmod(file.get(), mode) != 0 || !write_all(file.get(), text) ||
        ::fsync(file.get()) != 0) {
      auto error = system_error(aside, "write");
      ::unlink(aside.c_str());
      return error;
    }
  }
  if (::rename(aside.c_str(), path.c_str()) != 0) {
    auto error = system_error(path, "replace");
    ::unlink(aside.c_str());
    return error;
  }
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return system_error(folder, "sync");
  return {};
}

// Reads the file's keys, all of which are required; the first problem is the error.
template <class MakeKeys>
Result<void> read_keys(std::string_view text, const std::string& path, const MakeKeys& make_keys) {
  Document document = parse_document(text);
  Reader reader(std::move(document.problems));
  if (reader.clean()) {
    const std::vector<Key> keys = make_keys(reader);
    reader.map(document.root, "", keys);
    for (const Key& key : keys) {
      const auto& entries = document.root.entries;
      if (std::none_of(entries.begin(), entries.end(),
                       [&](const Entry& entry) { return entry.key == key.name; }))
        reader.missing(std::string(key.name),
                       "is missing; the file is written by weft, not by hand");
    }
  }
  const auto problems = reader.take_problems();
  if (!problems.empty()) return tl::make_unexpected(to_error(problems, path));
  return {};
}

Key version_key(Reader& reader) {
  return {"weft",
          [&reader](const Node& node, const std::string& key) {
            if (node.text != "1")
              reader.problem(
                  node.at, Code::spec_version, key,
                  quoted(node.text) + " is a format that this build does not read; it reads 1");
          },
          {}};
}
template <class B>
Key bytes_key(Reader& reader, std::string_view name, B& out) {
  return {name,
          [&reader, &out](const Node& node, const std::string& key) {
            if (const auto bytes = reader.hex(node, key, out.data.size()))
              std::copy(bytes->begin(), bytes->end(), out.data.begin());
          },
          {}};
}
Key text_key(Reader& reader, std::string_view name, std::string& out, std::size_t bytes_max) {
  return {name,
          [&reader, &out, bytes_max](const Node& node, const std::string& key) {
            if (auto text = reader.text(node, key, bytes_max, "write one text"))
              out = std::move(*text);
          },
          {}};
}
Key role_key(Reader& reader, Role& out) {
  return {"role",
          [&reader, &out](const Node& node, const std::string& key) {
            if (const auto word = reader.word(node, key, names(Role{})))
              out = static_cast<Role>(*word);
          },
          {}};
}

}  // namespace

Result<Connection> read_connection(const std::string& path) {
  const auto text = read_small_file(path, false);
  if (!text) return tl::make_unexpected(text.error());
  Connection out;
  const auto read = read_keys(*text, path, [&](Reader& reader) {
    return std::vector<Key>{version_key(reader), text_key(reader, "clients", out.clients, 255),
                            text_key(reader, "workers", out.workers, 255),
                            bytes_key(reader, "server", out.server)};
  });
  if (!read) return tl::make_unexpected(read.error());
  return out;
}

Result<void> write_connection(const std::string& path, const Connection& connection) {
  return replace_file(
      path,
      fmt::format("# Where the broker listens, and the public key by which it is known.\n"
                  "weft: 1\nclients: {}\nworkers: {}\nserver: \"{}\"\n",
                  quote(connection.clients), quote(connection.workers), to_hex(connection.server)),
      0644);
}

Result<KeyFile> read_key_file(const std::string& path) {
  const auto text = read_small_file(path, true);
  if (!text) return tl::make_unexpected(text.error());
  KeyFile out;
  const auto read = read_keys(*text, path, [&](Reader& reader) {
    return std::vector<Key>{version_key(reader),
                            text_key(reader, "name", out.entry.name, limits::name_bytes_max),
                            role_key(reader, out.entry.role),
                            text_key(reader, "account", out.entry.account, limits::name_bytes_max),
                            bytes_key(reader, "public", out.entry.principal),
                            bytes_key(reader, "secret", out.secret)};
  });
  if (!read) return tl::make_unexpected(read.error());
  return out;
}

Result<void> write_key_file(const std::string& path, const KeyFile& key) {
  return replace_file(
      path,
      fmt::format("# A key of weft's. The secret is what it is: keep the mode 0600.\n"
                  "weft: 1\nname: {}\nrole: {}\naccount: {}\npublic: \"{}\"\nsecret: \"{}\"\n",
                  quote(key.entry.name), weft::to_string(key.entry.role), quote(key.entry.account),
                  to_hex(key.entry.principal), to_hex(key.secret)),
      0600);
}

}  // namespace weft::yaml
