#include "broker/shell/child.hpp"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

extern char** environ;

namespace weft::broker {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Result<Child> start_child(const std::string& program, std::vector<std::string> arguments,
                          const std::vector<std::string>& environment) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(Code::os_error, fmt::format("socketpair: {}", std::strerror(errno)));
  std::vector<std::string> variables;
  for (char** e = environ; *e != nullptr; ++e) variables.emplace_back(*e);
  variables.insert(variables.end(), environment.begin(), environment.end());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // dup2 onto itself would leave close-on-exec set.
  const int from =
      ends[1] == child_link ? fcntl(ends[1], F_DUPFD_CLOEXEC, child_link + 1) : ends[1];
  posix_spawn_file_actions_adddup2(&actions, from, child_link);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  Child child;
  const int failed = posix_spawn(&child.pid, program.c_str(), &actions, &attributes,
                                 pointers(arguments).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (from != ends[1]) ::close(from);
  ::close(ends[1]);
  if (failed != 0) {
    ::close(ends[0]);
    return fail(Code::os_error, fmt::format("{}: {}", program, std::strerror(failed)));
  }
  child.link = ends[0];
  return child;
}

}  // namespace weft::broker
