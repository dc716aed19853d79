#include "tests/process/support/processes.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/support/wait.hpp"

namespace weft::test {
namespace {

std::vector<std::string> zero_separated(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<std::string> parts;
  for (std::string part; std::getline(in, part, '\0');) parts.push_back(part);
  return parts;
}

// Fields after the command's name, which may hold blanks and parentheses.
std::vector<std::string> stat_fields(pid_t pid, std::string& name) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(in, line);
  const auto begin = line.find('('), end = line.rfind(')');
  if (end == std::string::npos) return {};
  name = line.substr(begin + 1, end - begin - 1);
  std::istringstream rest(line.substr(end + 1));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

bool look(pid_t pid, Seen& out) {
  const auto fields = stat_fields(pid, out.name);  // [0] state, [1] parent, [19] start time
  if (fields.size() < 20 || fields[0] == "Z" || fields[0] == "X") return false;
  out.pid = pid;
  out.parent = static_cast<pid_t>(std::stol(fields[1]));
  out.started = std::stoull(fields[19]);
  struct stat info{};
  if (stat(fmt::format("/proc/{}", pid).c_str(), &info) != 0) return false;
  out.user = info.st_uid;
  out.arguments = zero_separated(fmt::format("/proc/{}/cmdline", pid));
  return true;
}

bool names_path_in(const std::vector<std::string>& texts, const std::string& directory) {
  for (const std::string& text : texts) {
    const auto at = text.find(directory);
    if (at == std::string::npos) continue;
    const auto end = at + directory.size();
    if (end == text.size() || text[end] == '/') return true;
  }
  return false;
}

}  // namespace

std::string Seen::program() const {
  if (arguments.empty()) return {};
  return arguments[0].substr(arguments[0].rfind('/') + 1);
}

std::vector<Seen> all_processes() {
  std::vector<Seen> found;
  DIR* directory = opendir("/proc");
  if (directory == nullptr) return found;
  while (const dirent* entry = readdir(directory)) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    Seen one;
    if (parsed.ptr == name.data() + name.size() && look(pid, one)) found.push_back(std::move(one));
  }
  closedir(directory);
  return found;
}

std::vector<Seen> processes_inside(const std::string& directory) {
  const std::vector<Seen> all = all_processes();
  std::set<pid_t> inside;
  for (const Seen& one : all) {
    if (one.pid == getpid() || one.parent == getpid()) continue;
    const auto environment = zero_separated(fmt::format("/proc/{}/environ", one.pid));
    if (names_path_in(one.arguments, directory) || names_path_in(environment, directory))
      inside.insert(one.pid);
  }
  for (bool grew = true; grew;) {
    grew = false;
    for (const Seen& one : all)
      if (inside.contains(one.parent)) grew = inside.insert(one.pid).second || grew;
  }
  std::vector<Seen> found;
  for (const Seen& one : all)
    if (inside.contains(one.pid)) found.push_back(one);
  return found;
}

bool alive(pid_t pid) {
  Seen seen;
  return pid > 0 && look(pid, seen);
}

void kill_now(pid_t pid) {
  if (pid <= 1) return;
  kill(pid, SIGKILL);
  wait_until(fmt::format("process {} is gone", pid), [pid] { return !alive(pid); });
}

std::string describe(const std::vector<Seen>& processes) {
  std::string out;
  for (const Seen& one : processes) {
    out += fmt::format("{} (child of {}, user {})", one.pid, one.parent, one.user);
    for (const std::string& argument : one.arguments) out += " " + argument;
    out += "\n";
  }
  return out;
}

}  // namespace weft::test
