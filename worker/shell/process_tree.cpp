#include "worker/shell/process_tree.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>

#include "worker/shell/files.hpp"

namespace weft::worker {
namespace {

std::vector<pid_t> all_processes() {
  std::vector<pid_t> out;
  DIR* proc = ::opendir("/proc");
  if (proc == nullptr) return out;
  while (const dirent* entry = ::readdir(proc))
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') out.push_back(std::atoi(entry->d_name));
  ::closedir(proc);
  return out;
}

}  // namespace

std::optional<ProcessFacts> facts_of(pid_t pid) {
  const auto text = read_file(fmt::format("/proc/{}/stat", pid), 4'096);
  if (!text) return std::nullopt;
  const std::size_t name_end = text->rfind(')');  // the name may hold blanks and brackets
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text->substr(name_end + 1));
  ProcessFacts facts;
  pid_t group = 0;
  fields >> facts.state >> facts.parent >> group >> facts.session;
  std::string skipped;
  for (int i = 7; i < 22; ++i) fields >> skipped;
  fields >> facts.started;
  if (!fields) return std::nullopt;
  return facts;
}

std::vector<pid_t> descendants_of(pid_t root) {
  std::multimap<pid_t, pid_t> children;
  for (const pid_t pid : all_processes())
    if (const auto facts = facts_of(pid)) children.emplace(facts->parent, pid);
  std::vector<pid_t> found{root};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto [from, to] = children.equal_range(found[i]);
    for (auto child = from; child != to; ++child) found.push_back(child->second);
  }
  found.erase(found.begin());
  return found;
}

void kill_exactly(pid_t pid, std::uint64_t started) {
  Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!fd) return;
  // Looked at after pidfd_open: from here on the descriptor names one process, whatever the pid
  // does.
  const auto facts = facts_of(pid);
  if (facts && facts->started == started)
    ::syscall(SYS_pidfd_send_signal, fd.get(), SIGKILL, nullptr, 0);
}

bool kill_strays(const std::vector<pid_t>& sessions, const std::string& attempt,
                 const std::string& socket) {
  const std::string mark_attempt = '\0' + ("WEFT_ATTEMPT=" + attempt) + '\0';
  const std::string mark_socket = '\0' + ("WEFT_WORKER=" + socket) + '\0';
  bool none = true;
  for (const pid_t pid : all_processes()) {
    if (pid == ::getpid()) continue;
    const auto facts = facts_of(pid);
    if (!facts || facts->state == 'Z') continue;
    bool ours = std::find(sessions.begin(), sessions.end(), facts->session) != sessions.end();
    if (!ours) {
      const auto environment = read_file(fmt::format("/proc/{}/environ", pid), 8 << 20);
      const std::string text = '\0' + environment.value_or("");
      ours = text.find(mark_attempt) != std::string::npos &&
             text.find(mark_socket) != std::string::npos;
    }
    if (!ours) continue;
    none = false;
    kill_exactly(pid, facts->started);
  }
  return none;
}

}  // namespace weft::worker
