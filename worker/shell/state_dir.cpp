#include "worker/shell/state_dir.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace weft::worker {
namespace {

// weft's own state root (where connection.yaml stands) is ours to open for passing; a home
// directory above it is not.
void let_pass(const std::string& directory) {
  struct stat found{};
  if (::stat(directory.c_str(), &found) == 0 && found.st_uid == ::geteuid())
    ::chmod(directory.c_str(), (found.st_mode & 07777) | 0111);
}

// Can a job's user come here? Names the first directory in its way.
Result<void> passable(const std::string& path, const char* flag) {
  for (std::size_t i = 1; i <= path.size(); ++i) {
    if (i != path.size() && path[i] != '/') continue;
    const std::string above = path.substr(0, i);
    struct stat found{};
    if (::stat(above.c_str(), &found) != 0)
      return tl::make_unexpected(errno_error(Code::state_dir, above, errno));
    if ((found.st_mode & S_IXOTH) == 0)
      return fail(Code::state_dir, fmt::format("{}: the users that ranks run as can't pass {} "
                                               "(mode {:04o}); put it elsewhere with {}, "
                                               "e.g. below /var/lib/weft",
                                               path, above, found.st_mode & 07777, flag));
  }
  return {};
}

std::string parent_of(const std::string& path) {
  return path.substr(0, std::max<std::size_t>(1, path.rfind('/')));
}

}  // namespace

Result<Fd> open_state_dir(Options& options) {
  options.job_users = ::geteuid() == 0;
  const unsigned mode = options.job_users ? 0711 : 0700;
  for (const std::string& path : {options.state, options.attempts(), options.job_root})
    if (const auto made = make_directory(path, mode); !made)
      return tl::make_unexpected(made.error());
  Fd lock(::open((options.state + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock)
    return tl::make_unexpected(errno_error(Code::state_dir, options.state + "/lock", errno));
  // A record lock belongs to this process alone: holders, which outlive us, must not inherit it.
  struct flock whole{};
  whole.l_type = F_WRLCK;
  if (::fcntl(lock.get(), F_SETLK, &whole) != 0)
    return fail(Code::state_dir,
                fmt::format("{}: another worker uses this directory; give each its own --state",
                            options.state));
  if (!options.job_users) return lock;
  for (const std::string& path : {options.state, options.attempts(), options.job_root})
    ::chmod(path.c_str(), mode);
  const std::string root = parent_of(options.connection);
  if (options.state.starts_with(root + "/")) {
    let_pass(root);
    let_pass(parent_of(options.state));
  }
  if (const auto ok = passable(options.job_root, "--job-root"); !ok)
    return tl::make_unexpected(ok.error());
  if (const auto ok = passable(parent_of(options.socket), "--state or --socket"); !ok)
    return tl::make_unexpected(ok.error());
  return lock;
}

Result<Epoch> load_epoch(const Options& options) {
  const std::string path = options.state + "/epoch";
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return Epoch{0};
  const auto text = read_file(path, 64);
  if (!text) return tl::make_unexpected(text.error());
  char* end = nullptr;
  const std::uint64_t value = std::strtoull(text->c_str(), &end, 10);
  // Guessing would let an old broker give orders again.
  if (text->empty() || *end != '\n')
    return fail(
        Code::state_dir,
        fmt::format(
            "{}: not a number; find the broker's epoch with 'weft version' and write it there",
            path));
  return Epoch{value};
}

Result<void> store_epoch(const Options& options, Epoch epoch) {
  return write_file(options.state + "/epoch", fmt::format("{}\n", epoch.value), true);
}

}  // namespace weft::worker
