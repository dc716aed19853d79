// What belongs to a state directory, found without any record of it.
#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>
#include <sstream>

#include "client/cli/up/process.hpp"

namespace weft::cli {
namespace {

std::vector<std::string> zero_separated(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<std::string> parts;
  for (std::string part; std::getline(in, part, '\0');) parts.push_back(part);
  return parts;
}

bool inside(const std::string& path, const std::string& root) {
  return path == root ||
         (path.starts_with(root) && path.size() > root.size() && path[root.size()] == '/');
}

bool is_daemon(const std::vector<std::string>& arguments, const std::string& root) {
  if (arguments.empty()) return false;
  const std::string& program = arguments.front();
  const std::string name = program.substr(program.rfind('/') + 1);
  if (name != "weft-broker" && name != "weft-worker") return false;
  for (std::size_t i = 1; i + 1 < arguments.size(); ++i)
    if (arguments[i] == "--state" && inside(arguments[i + 1], root)) return true;
  return false;
}

bool is_rank(pid_t pid, const std::string& root, const std::string& run) {
  for (const std::string& variable : zero_separated(fmt::format("/proc/{}/environ", pid)))
    if (variable.starts_with("WEFT_WORKER="))
      return inside(variable.substr(12), root + "/nodes") || inside(variable.substr(12), run);
  return false;
}

std::set<ino_t> namespace_inodes(const std::vector<std::string>& networks) {
  std::set<ino_t> inodes;
  struct stat info{};
  for (const std::string& name : networks)
    if (stat(fmt::format("/run/netns/{}", name).c_str(), &info) == 0) inodes.insert(info.st_ino);
  return inodes;
}

bool in_networks(pid_t pid, const std::set<ino_t>& inodes) {
  struct stat info{};
  return !inodes.empty() && stat(fmt::format("/proc/{}/ns/net", pid).c_str(), &info) == 0 &&
         inodes.contains(info.st_ino);
}

}  // namespace

Found find_processes(const std::string& root, const std::string& run,
                     const std::vector<std::string>& networks) {
  Found found;
  const std::set<ino_t> inodes = namespace_inodes(networks);
  DIR* directory = opendir("/proc");
  if (directory == nullptr) return found;
  while (const dirent* entry = readdir(directory)) {
    pid_t pid = 0;
    const std::string_view name = entry->d_name;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr !=
        name.data() + name.size())
      continue;
    if (pid == getpid()) continue;
    const Process process = identify(pid);
    if (process.pid == 0) continue;
    if (is_daemon(zero_separated(fmt::format("/proc/{}/cmdline", pid)), root))
      found.daemons.push_back(process);
    else if (in_networks(pid, inodes) || is_rank(pid, root, run))
      found.ranks.push_back(process);
  }
  closedir(directory);
  return found;
}

}  // namespace weft::cli
