// weft nodes: the fleet, one node a line.
#include <fmt/format.h>
#include <string.h>

#include <algorithm>

#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {
namespace {

Colour colour_of_node(NodeState state) {
  return state == NodeState::up       ? Colour::green
         : state == NodeState::silent ? Colour::red
                                      : Colour::dim;
}

void print(NodeList list) {
  std::sort(
      list.nodes.begin(), list.nodes.end(),  // n2 before n10
      [](const Node& a, const Node& b) { return strverscmp(a.name.c_str(), b.name.c_str()) < 0; });
  Table table({"NODE", "STATE", "OWNER", ">UNITS", ">CORES", ">MEMORY", "GPUS", "ADDRESS", "LEASE",
               "METER", "SINCE"});
  const Instant at = now();
  for (const Node& node : list.nodes) {
    const Inventory& found = node.inventory;
    const std::string gpus =
        found.gpus.empty() ? "-" : fmt::format("{} x {}", found.gpus.size(), found.gpus.front());
    table.row({node.name, painted(std::string(to_string(node.state)), colour_of_node(node.state)),
               node.owner, fmt::format("{}", node.units), fmt::format("{}", found.cores),
               bytes(found.memory_bytes), gpus, found.address,
               node.lease ? fmt::format("L{}", node.lease.value) : "-",
               std::string(to_string(node.meter)), ago(node.since, at)});
  }
  fmt::print("{}", table.text());
}

}  // namespace

int verb_nodes(const Arguments& arguments) {
  Flags flags("nodes", "[flags]",
              "Lists the nodes: state, hardware, the lease that holds them, their meter.");
  Common common(Speaks::asks);
  if (const int code = begin(flags, common, arguments); code >= 0) return code;

  auto client = connect(common, {"operator", "seller", "customer"});
  if (!client) return refuse("nodes", client.error());
  auto reply = (*client)->get<NodeList>(ListNodes{}, common.reading());
  if (!reply) return refuse("nodes", reply.error());
  if (common.json)
    print_json(*reply);
  else
    print(*reply);
  return exit_done;
}

}  // namespace weft::cli
