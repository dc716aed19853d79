// weft fabric rehome: what would have to move so that a slice fits. A plan; nothing is moved.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/limits.hpp"
#include "broker/fabric/heal/rehome.hpp"
#include "client/cli/fabric_flags.hpp"
#include "client/cli/live_fabric.hpp"
#include "client/cli/output.hpp"

namespace weft::cli {
namespace {

using Json = nlohmann::ordered_json;
using fabric::Cut;

std::vector<std::string> hosts_of(const fabric::Fabric& model, const Cut& cut) {
  std::vector<std::string> out;
  for (const Cut::Leaf& leaf : cut.leaves)
    for (std::uint64_t hosts = leaf.hosts; hosts != 0;)
      out.push_back(
          model.rails[0].hosts[leaf.leaf * model.tree().hosts_per_leaf + fabric::next(hosts)].name);
  return out;
}
std::string named(const fabric::Fabric& model, const Cut& cut) {
  return fmt::format("{}", fmt::join(hosts_of(model, cut), " "));
}

struct Plan {
  bool fits = false;  // without any move
  std::optional<fabric::Rehoming> rehoming;
  std::vector<fabric::Running> running;
  std::vector<std::uint64_t> slices;
  std::string refusal;
};

Plan make_plan(const LiveFabric& live, std::uint32_t nodes) {
  constexpr fabric::Term any{0, 1};
  Plan out;
  fabric::Masks free = all_free(live.model);
  for (const fabric::Placed& slice : live.slices) {
    free.shield(slice.cut);
    if (slice.slice == 0) continue;
    out.running.push_back({slice.cut, any});
    out.running.back().cut.asked = slice.cut.hosts();
    out.slices.push_back(slice.slice);
  }
  fabric::Allocator allocator(fabric::default_policy);
  if (auto cut = allocator.cut(free, nodes)) {
    out.fits = true;
    out.rehoming = fabric::Rehoming{std::move(*cut), {}, 0};
    return out;
  }
  out.refusal = to_string(allocator.why(free, nodes));
  out.rehoming = rehome(allocator, free, out.running, nodes, any, free.tree().hosts());
  return out;
}

Json json_of(const fabric::Fabric& model, const Plan& plan) {
  Json out{{"fits_now", plan.fits}, {"possible", plan.rehoming.has_value()}};
  if (!plan.refusal.empty()) out["refused_for"] = plan.refusal;
  if (!plan.rehoming) return out;
  out["nodes"] = hosts_of(model, plan.rehoming->cut);
  out["moved_hosts"] = plan.rehoming->moved_hosts;
  out["moves"] = Json::array();
  for (const auto& move : plan.rehoming->moves)
    out["moves"].push_back({{"slice", plan.slices[move.which]},
                            {"from", hosts_of(model, plan.running[move.which].cut)},
                            {"to", hosts_of(model, move.to)}});
  return out;
}

void print(const fabric::Fabric& model, const Plan& plan, std::uint32_t nodes) {
  const std::string slice = "a slice of " + counted(nodes, "node");
  if (plan.fits) return fmt::print("{} fits now: {}\n", slice, named(model, plan.rehoming->cut));
  fmt::print("{} does not fit now: {}\n", slice, plan.refusal);
  if (!plan.rehoming) return fmt::print("no other places for smaller slices would let it in\n");
  for (const auto& move : plan.rehoming->moves)
    fmt::print("  s{}: {} -> {}\n", plan.slices[move.which],
               named(model, plan.running[move.which].cut), named(model, move.to));
  fmt::print("then it fits: {}\n{} would stand still meanwhile\n", named(model, plan.rehoming->cut),
             counted(plan.rehoming->moved_hosts, "node"));
}

}  // namespace

int fabric_rehome(const Arguments& arguments) {
  Flags flags("fabric rehome", "--nodes NODES [flags]",
              "Which running slices would have to go where so that one of so many nodes fits, and "
              "how many\nnodes would stand still for it. A plan: nothing is moved. 3: there is "
              "none.");
  Common common(Speaks::asks);
  std::uint32_t nodes = 0;
  flags.number("-N,--nodes", nodes, 1, limits::nodes_per_job_max, "of the slice", "NODES");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  if (nodes == 0)
    return refuse("fabric rehome", {Code::usage, "--nodes is missing; e.g. --nodes 8"});
  const auto live = fabric_of_broker(common);
  if (!live) return refuse("fabric rehome", live.error());
  const Plan plan = make_plan(*live, nodes);
  if (common.json)
    fmt::print("{}\n", json_of(live->model, plan).dump(1));
  else
    print(live->model, plan, nodes);
  return plan.rehoming ? exit_done : exit_not_placed;
}

}  // namespace weft::cli
