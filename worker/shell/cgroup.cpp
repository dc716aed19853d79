#include "worker/shell/cgroup.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

namespace weft::worker {
namespace {

bool put(const std::string& path, std::string_view text) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// Where version 2 is mounted; empty: nowhere.
std::string mount_point() {
  std::istringstream lines(read_file("/proc/self/mounts", 1 << 20).value_or(""));
  std::string device, where, type, rest;
  while (lines >> device >> where >> type && std::getline(lines, rest))
    if (type == "cgroup2") return where;
  return {};
}

std::string own_path() {
  std::istringstream lines(read_file("/proc/self/cgroup", 64 << 10).value_or(""));
  std::string line;
  while (std::getline(lines, line))
    if (line.starts_with("0::")) return line.substr(3);
  return {};
}

}  // namespace

// As root a folder of weft's at the top, with the memory and pids controllers where the host has
// them there; else below our own cgroup, where a delegating service manager lets us.
std::string cgroup_parent() {
  const std::string mount = mount_point();
  if (mount.empty()) return {};
  const std::string own = own_path();
  const std::string above = ::geteuid() == 0 ? mount : mount + (own == "/" ? std::string() : own);
  const std::string path = above + "/weft";
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return {};
  for (const char* controller : {"+memory", "+pids"}) {
    put(above + "/cgroup.subtree_control", controller);
    put(path + "/cgroup.subtree_control", controller);
  }
  return path;
}

std::string make_cgroup(const std::string& parent, const std::string& name) {
  if (parent.empty()) return {};
  const std::string path = parent + "/" + name;
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return {};
  // Kernels before 5.14 have no cgroup.kill: then it is of no use to us.
  if (::access((path + "/cgroup.kill").c_str(), W_OK) == 0) return path;
  ::rmdir(path.c_str());
  return {};
}

int fork_into(const std::string& path) {
  if (path.empty()) return ::fork();
  Fd folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  clone_args wanted{};
  wanted.flags = CLONE_INTO_CGROUP;
  wanted.exit_signal = SIGCHLD;
  wanted.cgroup = static_cast<std::uint64_t>(folder.get());
  return static_cast<int>(::syscall(SYS_clone3, &wanted, sizeof wanted));
}

void kill_cgroup(const std::string& path) { put(path + "/cgroup.kill", "1"); }

// A killed process keeps its cgroup busy for the moment that it takes to die.
void remove_cgroup(const std::string& path) {
  for (int tries = 0; ::rmdir(path.c_str()) != 0 && errno == EBUSY && tries < 50; ++tries)
    ::poll(nullptr, 0, 2);
}

std::uint64_t out_of_memory_kills(const std::string& path) {
  std::istringstream words(read_file(path + "/memory.events", 4'096).value_or(""));
  std::string name;
  std::uint64_t count = 0;
  while (words >> name >> count)
    if (name == "oom_kill") return count;
  return 0;
}

}  // namespace weft::worker
