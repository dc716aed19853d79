#include "client/cli/live_fabric.hpp"

#include <fmt/format.h>

#include "broker/fabric/import/load.hpp"

namespace weft::cli {
namespace {

fabric::Cut cut_of(const Links& links) {
  fabric::Cut cut;
  for (const SliceLeaf& leaf : links.leaves) cut.leaves.push_back({leaf.leaf, leaf.hosts, leaf.up});
  for (const SliceL2& l2 : links.l2) cut.l2.push_back({l2.l2, l2.up});
  return cut;
}

}  // namespace

Result<LiveFabric> fabric_of_broker(const Common& common) {
  auto client = connect(common, {"seller", "operator"});
  if (!client) return tl::make_unexpected(client.error());
  auto list = (*client)->get<SliceList>(ListSlices{}, common.reading());
  if (!list) return tl::make_unexpected(list.error());
  if (list->driver.empty())
    return fail(Code::slice_unknown,
                "this broker knows no fabric; name a FILE, or `weft up --fabric`");
  if (list->fabric.empty())
    return fail(
        Code::slice_unknown,
        "the broker does not show its fabric to this key (or it is too large); name its FILE");
  auto loaded = fabric::load(list->fabric, "broker");
  if (!loaded.fabric) return tl::make_unexpected(yaml::to_error(loaded.problems, "broker"));
  LiveFabric out{*std::move(loaded.fabric), {}, {}};
  for (const SliceLine& line : list->slices) {
    out.slices.push_back({line.lease.value, cut_of(line.slice.links), 0});
    out.labels.push_back(fmt::format("{}, {}{}", line.account, to_string(line.slice.state),
                                     line.slice.enforced ? "" : ", recorded only"));
  }
  for (const auto& [links, label] : {std::pair(&list->state.failed, "down"),
                                     std::pair(&list->state.quarantined, "in quarantine")}) {
    if (links->leaves.empty() && links->l2.empty()) continue;
    out.slices.push_back({0, cut_of(*links), 0});
    out.labels.emplace_back(label);
  }
  return out;
}

}  // namespace weft::cli
