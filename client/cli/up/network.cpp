#include "client/cli/up/network.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "client/cli/up/process.hpp"

namespace weft::cli {
namespace {

// `ip` in a namespace (empty: in the host's, where only namespaces themselves are made and
// removed).
Result<void> ip(const std::string& network, const std::string& lines) {
  std::vector<std::string> arguments{"ip"};
  if (!network.empty()) arguments.insert(arguments.end(), {"-n", network});
  arguments.insert(arguments.end(), {"-batch", "-"});
  auto done = run_program(arguments, lines);
  if (!done) return tl::make_unexpected(done.error());
  return {};
}

}  // namespace

std::string bridge_namespace(const std::string& tag) { return fmt::format("weft-{}-net", tag); }
std::string node_namespace(const std::string& tag, const std::string& node) {
  return fmt::format("weft-{}-{}", tag, node);
}
std::string node_address(std::uint32_t index) {
  return fmt::format("10.77.{}.{}", index / 250, index % 250 + 1);
}

std::vector<std::string> namespaces_of(const std::string& tag) {
  std::vector<std::string> names;
  DIR* directory = opendir("/run/netns");
  if (directory == nullptr) return names;
  const std::string head = fmt::format("weft-{}-", tag);
  while (const dirent* entry = readdir(directory))
    if (std::string_view(entry->d_name).starts_with(head)) names.emplace_back(entry->d_name);
  closedir(directory);
  std::sort(names.begin(), names.end());
  return names;
}

bool network_possible() {
  if (geteuid() != 0) return false;
  const std::string name = fmt::format("weft-try-{}", getpid());
  if (!ip("", fmt::format("netns add {}\n", name))) return false;
  const bool bridges =
      ip(name, "link add br0 type bridge\nlink add p0 type veth peer name p1\n").has_value();
  return ip("", fmt::format("netns del {}\n", name)).has_value() && bridges;
}

Result<void> make_network(const std::string& tag, const std::vector<UpNode>& nodes) {
  const std::string bridge = bridge_namespace(tag);
  std::string spaces = fmt::format("netns add {}\n", bridge);
  std::string cables = "link add br0 type bridge\nlink set br0 up\n";
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::string& node = nodes[i].network;
    spaces += fmt::format("netns add {}\n", node);
    cables += fmt::format(
        "link add p{0} type veth peer name eth0 netns {1}\n"
        "link set p{0} master br0 up\n",
        i, node);
  }
  if (auto made = ip("", spaces); !made) return made;
  if (auto made = ip(bridge, cables); !made) return made;
  for (const UpNode& node : nodes) {
    const std::string lines =
        fmt::format("link set lo up\naddr add {}/16 dev eth0\nlink set eth0 up\n", node.address);
    if (auto made = ip(node.network, lines); !made) return made;
  }
  return {};
}

Result<void> remove_network(const std::string& tag) {
  std::string lines;
  for (const std::string& name : namespaces_of(tag)) lines += fmt::format("netns del {}\n", name);
  if (lines.empty()) return {};
  return ip("", lines);
}

}  // namespace weft::cli
