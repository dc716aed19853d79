#include "client/cli/up/process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

extern char** environ;

namespace weft::cli {
namespace {

Error os_error(const std::string& what, int number) {
  return {Code::os_error, fmt::format("{}: {}", what, std::strerror(number))};
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  void reset(int fd = -1) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

 private:
  int fd_;
};

// Goes into a network namespace and comes back: what is spawned meanwhile stays in it.
class Visit {
 public:
  Result<void> enter(const std::string& network) {
    home_.reset(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    Descriptor there(open(fmt::format("/run/netns/{}", network).c_str(), O_RDONLY | O_CLOEXEC));
    if (there.get() < 0 || home_.get() < 0 || setns(there.get(), CLONE_NEWNET) != 0)
      return tl::make_unexpected(os_error("network namespace " + network, errno));
    return {};
  }
  ~Visit() {
    if (home_.get() >= 0 && setns(home_.get(), CLONE_NEWNET) != 0) std::abort();
  }

 private:
  Descriptor home_;
};

void set_up(posix_spawn_file_actions_t& actions, posix_spawnattr_t& attributes, const Spawn& what) {
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  if (what.input >= 0)
    posix_spawn_file_actions_adddup2(&actions, what.input, 0);
  else
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  if (!what.output.empty()) {
    posix_spawn_file_actions_addopen(&actions, 1, what.output.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
  }
  if (what.keep >= 0) posix_spawn_file_actions_adddup2(&actions, what.keep, 3);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (what.own_session) flags |= POSIX_SPAWN_SETSID;
  posix_spawnattr_setflags(&attributes, flags);
}

}  // namespace

Result<Process> spawn(const Spawn& what) {
  Visit visit;
  if (!what.network.empty())
    if (auto entered = visit.enter(what.network); !entered)
      return tl::make_unexpected(entered.error());
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  set_up(actions, attributes, what);
  const auto arguments = pointers(what.arguments);
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return tl::make_unexpected(os_error(what.arguments[0], error));
  Process process = identify(pid);
  process.pid = pid;
  return process;
}

Result<std::string> run_program(const std::vector<std::string>& arguments,
                                const std::string& input) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
    return tl::make_unexpected(os_error("pipe", errno));
  Descriptor write_in(in[1]), read_in(in[0]), read_out(out[0]), write_out(out[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  posix_spawn_file_actions_adddup2(&actions, out[1], 2);
  const auto list = pointers(arguments);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, list[0], &actions, nullptr, list.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return tl::make_unexpected(os_error(arguments[0], error));
  read_in.reset();
  write_out.reset();
  std::string_view rest = input;  // small: fits the pipe
  while (!rest.empty()) {
    const ssize_t n = write(write_in.get(), rest.data(), rest.size());
    if (n <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  write_in.reset();
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(read_out.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return fail(Code::os_error, fmt::format("{}: {}", arguments[0], text));
}

Result<std::string> sibling_program(const std::string& name) {
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
  if (size <= 0) return tl::make_unexpected(os_error("/proc/self/exe", errno));
  std::string own(path, static_cast<std::size_t>(size));
  std::string found = own.substr(0, own.rfind('/') + 1) + name;
  if (access(found.c_str(), X_OK) != 0)
    return fail(Code::os_error, fmt::format("{} is not there; it must lie beside {}", found, own));
  return found;
}

Process identify(pid_t pid) {
  const std::string stat = read_file(fmt::format("/proc/{}/stat", pid));
  const auto name_end = stat.rfind(')');  // the name before it may hold anything
  if (name_end == std::string::npos) return {};
  std::istringstream fields(stat.substr(name_end + 2));
  std::string state, skipped;
  fields >> state;
  if (state == "Z" || state == "X") return {};
  for (int i = 0; i < 18; ++i) fields >> skipped;
  Process process{pid, 0};
  fields >> process.started;
  return process;
}

bool alive(const Process& process) {
  if (process.pid <= 0) return false;
  const Process now = identify(process.pid);
  return now.pid != 0 && (process.started == 0 || now.started == process.started);
}

void send_signal(const Process& process, int signal) {
  // By pidfd: between the look and the signal the pid cannot pass to another process.
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0));
  if (fd < 0) return;
  if (alive(process)) syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0);
  close(fd);
}

bool wait_gone(const Process& process, Duration patience) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0));
  if (fd < 0) return true;
  if (!alive(process)) {
    close(fd);
    return true;
  }
  pollfd wait{fd, POLLIN, 0};
  const int ready = poll(&wait, 1, static_cast<int>(patience.ms));
  close(fd);
  if (ready > 0) waitpid(process.pid, nullptr, WNOHANG);  // when it is a child of ours
  return ready > 0;
}

bool stop(const Process& process, Duration patience) {
  if (!alive(process)) return false;
  send_signal(process, SIGTERM);
  if (wait_gone(process, patience)) return true;
  send_signal(process, SIGKILL);
  return wait_gone(process, seconds(10));
}

}  // namespace weft::cli
