// What `weft down` must not leave behind.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "tests/process/support/cluster.hpp"

namespace weft::test {
namespace {

namespace fs = std::filesystem;

// The name that `weft up` gave to namespaces and the like; from its record.
std::string tag_of(const std::string& state) {
  std::ifstream in(state + "/up.yaml");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("tag: ")) return line.substr(5);
  return {};
}

std::string namespaces_with(const std::string& tag) {
  std::string found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/run/netns", ignored))
    if (entry.path().filename().string().find(tag) != std::string::npos)
      found += entry.path().string() + "\n";
  return found;
}

// Of attempts of this cluster's workers; they are named NODE-(hash of the worker's
// directory)-ATTEMPT.
std::string cgroups_of(const std::string& state, std::uint32_t nodes) {
  std::string found;
  std::error_code ignored;
  for (std::uint32_t i = 1; i <= nodes; ++i) {
    const std::string node = fmt::format("n{}", i);
    const auto hash = std::hash<std::string>{}(state + "/nodes/" + node) & 0xffffffffU;
    const std::string head = fmt::format("{}-{:08x}-", node, hash);
    for (auto at = fs::recursive_directory_iterator(
             "/sys/fs/cgroup", fs::directory_options::skip_permission_denied, ignored);
         at != fs::recursive_directory_iterator(); at.increment(ignored))
      if (at->path().filename().string().starts_with(head)) found += at->path().string() + "\n";
  }
  return found;
}

// Unix sockets that somebody still listens on, and socket files.
std::string sockets_inside(const std::string& directory) {
  std::string found;
  std::ifstream in("/proc/net/unix");
  for (std::string line; std::getline(in, line);)
    if (line.find(directory) != std::string::npos) found += line + "\n";
  std::error_code ignored;
  for (auto at = fs::recursive_directory_iterator(directory, ignored);
       at != fs::recursive_directory_iterator(); at.increment(ignored))
    if (at->is_socket(ignored)) found += at->path().string() + "\n";
  return found;
}

}  // namespace

bool Cluster::down() {
  const std::string tag = tag_of(state_);
  EXPECT_NE(tag, "") << "up.yaml has no tag";
  const Output stopped = weft({"down"});
  EXPECT_EQ(stopped.code, 0) << stopped.all();
  const std::string processes = describe(processes_inside(state_));
  EXPECT_EQ(processes, "");
  const std::string sockets = sockets_inside(state_);
  EXPECT_EQ(sockets, "");
  const std::string spaces = tag.empty() ? "" : namespaces_with(tag);
  const std::string cgroups = cgroups_of(state_, options_.nodes);
  EXPECT_EQ(spaces, "");
  EXPECT_EQ(cgroups, "");
  return stopped.code == 0 && (processes + sockets + spaces + cgroups).empty();
}

}  // namespace weft::test
