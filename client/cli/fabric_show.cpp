// weft fabric show: a fabric as a picture: of a file, or the broker's with the slices that live on
// it.
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/limits.hpp"
#include "broker/fabric/import/load.hpp"
#include "broker/fabric/picture/picture.hpp"
#include "broker/fabric/tree/allocator.hpp"
#include "client/cli/fabric_files.hpp"
#include "client/cli/fabric_flags.hpp"
#include "client/cli/live_fabric.hpp"
#include "client/cli/output.hpp"
#include "client/cli/session.hpp"

namespace weft::cli {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const fabric::Switch& s) {
  if (s.name.empty()) return nullptr;
  return {{"name", s.name}, {"guid", fmt::format("0x{:016x}", s.guid)},
          {"lid", s.lid},   {"ports", s.ports},
          {"down", s.down}, {"up", s.up}};
}
Json json_of(const fabric::Host& host) {
  if (host.name.empty()) return nullptr;
  return {{"name", host.name},
          {"guid", fmt::format("0x{:016x}", host.guid)},
          {"port_guid", fmt::format("0x{:016x}", host.port_guid)},
          {"lid", host.lid},
          {"reserved", host.reserved}};
}
Json json_of(const fabric::Placed& slice) {
  Json leaves = Json::array(), l2 = Json::array();
  for (const fabric::Cut::Leaf& leaf : slice.cut.leaves)
    leaves.push_back({{"leaf", leaf.leaf}, {"hosts", leaf.hosts}, {"up", leaf.up}});
  for (const fabric::Cut::L2& each : slice.cut.l2) l2.push_back({{"l2", each.l2}, {"up", each.up}});
  return {{"slice", slice.slice}, {"hosts", slice.cut.hosts()}, {"leaves", leaves}, {"l2", l2}};
}
// Places in order; null where the tree has room and the fabric nothing.
Json json_of(const fabric::Fabric& model, const std::vector<fabric::Placed>& slices) {
  Json out{{"name", model.name},
           {"levels", levels(model)},
           {"link_rate_bps", model.link_rate_bps},
           {"rails", Json::array()},
           {"slices", Json::array()}};
  for (const fabric::Rail& rail : model.rails) {
    Json one;
    for (const fabric::Host& host : rail.hosts) one["hosts"].push_back(json_of(host));
    for (const fabric::Switch& s : rail.leaves) one["leaves"].push_back(json_of(s));
    for (const fabric::Switch& s : rail.l2) one["l2"].push_back(json_of(s));
    for (const fabric::Switch& s : rail.spines) one["spines"].push_back(json_of(s));
    out["rails"].push_back(std::move(one));
  }
  for (const fabric::Placed& slice : slices) out["slices"].push_back(json_of(slice));
  return out;
}

// "4,8,16": one slice of each size, one after the other.
Result<std::vector<std::uint32_t>> sizes_of(std::string_view text) {
  std::vector<std::uint32_t> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    std::uint32_t n = 0;
    const auto [stop, error] = std::from_chars(text.data() + at, text.data() + end, n);
    if (error != std::errc{} || stop != text.data() + end || n == 0 || n > 65'536)
      return fail(Code::usage, fmt::format("--cut: '{}' is not a list of sizes; write e.g. 4,8,16",
                                           text.substr(0, 60)));
    out.push_back(n);
    at = end + 1;
  }
  return out;
}

Result<std::vector<fabric::Placed>> cut_slices(const fabric::Fabric& model,
                                               const std::vector<std::uint32_t>& sizes) {
  std::vector<fabric::Placed> out;
  fabric::Masks free = all_free(model);
  fabric::Allocator allocator(fabric::Policy::jigsaw);
  for (const std::uint32_t n : sizes) {
    auto cut = allocator.cut(free, n);
    if (!cut)
      return fail(Code::place_nodes,
                  fmt::format("--cut: no slice of {} beside the others: {}", counted(n, "host"),
                              to_string(allocator.why(free, n))));
    free.take(*cut);
    out.push_back({out.size() + 1, std::move(*cut), 0});
  }
  return out;
}

std::uint32_t terminal_columns() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0) return size.ws_col;
  return 100;
}

}  // namespace

int fabric_show(const Arguments& arguments) {
  Flags flags("fabric show", "[FILE] [--cut SIZES] [--svg FILE] [flags]",
              "Draws the broker's fabric and its slices, or the fabric of a file: hosts and "
              "uplinks of each leaf, uplinks of each L2 switch; "
              "free (·),\nmissing (-), reserved (R), or of a slice (a letter).");
  Common common(Speaks::asks);
  std::string path, svg, cut;
  std::uint32_t rail = 1;
  flags.argument(
      "FILE",
      "of a fabric, YAML or ibnetdiscover text; - is standard input (default: the broker's)",
      take_text(path), false);
  flags.option("--cut", cut, "SIZES", "cut slices of so many hosts first, e.g. 4,8,16");
  flags.option("--svg", svg, "FILE", "draw as SVG into FILE (- is standard output)");
  flags.number("--rail", rail, 1, limits::fabric_rails_max, "which rail (default 1)", "RAIL");
  flags.example("weft fabric show fabric.yaml --cut 4,3 --svg fabric.svg", "a picture with slices");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  LiveFabric shown;
  if (path.empty()) {
    auto live = fabric_of_broker(common);
    if (!live) return refuse("fabric show", live.error());
    shown = std::move(*live);
  } else {
    const auto file = read_fabric_file("FILE", path);
    if (!file) return refuse("fabric show", file.error());
    if (!*file) return exit_usage;
    shown.model = *(*file)->fabric;
  }
  const fabric::Fabric& model = shown.model;
  if (rail > model.rails.size())
    return refuse("fabric show", {Code::usage, fmt::format("--rail {}: the fabric has {}", rail,
                                                           model.rails.size())});
  std::vector<fabric::Placed>& slices = shown.slices;
  if (!cut.empty()) {
    const auto sizes = sizes_of(cut);
    if (!sizes) return refuse("fabric show", sizes.error());
    auto placed = cut_slices(model, *sizes);
    if (!placed) return refuse("fabric show", placed.error());
    slices = std::move(*placed);
  }
  const fabric::Scene scene{model, slices, shown.labels, rail - 1};
  if (!svg.empty() && svg != "-") {
    std::ofstream out(svg, std::ios::binary);
    out << draw_svg(scene);
    if (!out.flush())
      return refuse("fabric show", {Code::usage, fmt::format("--svg {}: can't be written", svg)});
  }
  if (common.json)
    fmt::print("{}\n", json_of(model, slices).dump(1));
  else if (svg == "-")
    fmt::print("{}", draw_svg(scene));
  else if (svg.empty())
    fmt::print("{}", draw_terminal(scene, {terminal_columns(), colours_on_stdout()}));
  return exit_done;
}

int fabric_clear(const Arguments& arguments) {
  Flags flags(
      "fabric clear", "[flags]",
      "Takes everything out of quarantine: what did not do what was asked of it may be rented "
      "again.");
  Common common;
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto client = connect(common, {"operator"});
  if (!client) return refuse("fabric clear", client.error());
  auto reply = (*client)->get<Done>(ClearQuarantine{}, common.mutating());
  if (!reply) return refuse("fabric clear", reply.error());
  if (common.json)
    print_json(*reply);
  else
    fmt::print("nothing is in quarantine\n");
  return exit_done;
}

}  // namespace weft::cli
