// weft fabric import: reads a fabric's file as the broker would and says what it found; generate
// writes one. Both compute here; no broker is asked.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bit_rate.hpp"
#include "base/limits.hpp"
#include "broker/fabric/import/write.hpp"
#include "broker/fabric/model/generate.hpp"
#include "client/cli/fabric_files.hpp"
#include "client/cli/fabric_flags.hpp"
#include "client/cli/output.hpp"
#include "client/cli/session.hpp"

namespace weft::cli {
namespace {

constexpr std::size_t warnings_shown = 20;

struct FabricCounts {  // on all rails: what can be rented, what the tree has room for
  std::uint32_t hosts = 0, reserved = 0, leaf_links = 0, spine_links = 0;
  fabric::Cut missing;
};
FabricCounts count_elements(const fabric::Fabric& model) {
  const fabric::Tree& t = model.tree();
  FabricCounts out;
  out.missing = unrentable(model);
  for (const fabric::Host& host : model.rails[0].hosts) out.reserved += host.reserved ? 1U : 0U;
  out.hosts = t.hosts() - out.missing.hosts();
  out.leaf_links = t.leaves() * t.l2_per_pod - out.missing.leaf_links();
  out.spine_links = levels(model) == 3 ? t.l2() * t.spines_per_l2 - out.missing.spine_links() : 0;
  return out;
}

void print_summary(const fabric::Loaded& loaded, const std::string& file) {
  const fabric::Fabric& model = *loaded.fabric;
  const fabric::Tree& t = model.tree();
  const FabricCounts counts = count_elements(model);
  const std::uint32_t tiers = levels(model);
  fmt::print("fabric        {}, from {}\n", model.name,
             loaded.from_ibnetdiscover ? "ibnetdiscover text" : "YAML");
  fmt::print(
      "tree          {} levels: {} hosts a leaf, {} leaves a pod, {} pods, {} L2 switches a "
      "pod{}\n",
      tiers, t.hosts_per_leaf, t.leaves_per_pod, t.pods, t.l2_per_pod,
      tiers == 3 ? fmt::format(", {} spines per L2", t.spines_per_l2) : "");
  fmt::print("places        {} hosts, {} leaves, {} L2 switches, {} spines; {} rail{}\n", t.hosts(),
             t.leaves(), t.l2(), tiers == 3 ? t.spines() : 0, model.rails.size(),
             model.rails.size() == 1 ? "" : "s");
  if (model.link_rate_bps != 0)
    fmt::print("link rate     {}\n", bit_rate_text(model.link_rate_bps));
  fmt::print(
      "to rent       {} of {} hosts ({} reserved), {} of {} links leaf to L2, {} of {} L2 to "
      "spine\n",
      counts.hosts, t.hosts(), counts.reserved, counts.leaf_links, t.leaves() * t.l2_per_pod,
      counts.spine_links, tiers == 3 ? t.l2() * t.spines_per_l2 : 0);
  const std::uint64_t warnings = loaded.warnings.size() + loaded.more_warnings;
  fmt::print("irregular     {}\n",
             warnings == 0 ? "nothing" : fmt::format("{} findings", warnings));
  for (std::size_t i = 0; i < std::min(warnings_shown, loaded.warnings.size()); ++i)
    fmt::print("{}\n", to_string(loaded.warnings[i], file));
  if (warnings > warnings_shown)
    fmt::print("and {} more; -o json lists up to 1000\n", warnings - warnings_shown);
}

nlohmann::ordered_json json_of(const std::vector<yaml::Problem>& problems) {
  auto out = nlohmann::ordered_json::array();
  for (const yaml::Problem& p : problems)
    out.push_back({{"line", p.line},
                   {"column", p.column},
                   {"code", std::string(to_string(p.code))},
                   {"key", p.key},
                   {"text", p.text}});
  return out;
}

nlohmann::ordered_json json_of(const fabric::Loaded& loaded) {
  const fabric::Fabric& model = *loaded.fabric;
  const fabric::Tree& t = model.tree();
  const FabricCounts counts = count_elements(model);
  const bool spines = levels(model) == 3;
  return {{"name", model.name},
          {"form", loaded.from_ibnetdiscover ? "ibnetdiscover" : "yaml"},
          {"levels", levels(model)},
          {"rails", model.rails.size()},
          {"link_rate_bps", model.link_rate_bps},
          {"tree",
           {{"hosts_per_leaf", t.hosts_per_leaf},
            {"leaves_per_pod", t.leaves_per_pod},
            {"pods", t.pods},
            {"l2_per_pod", t.l2_per_pod},
            {"spines_per_l2", spines ? t.spines_per_l2 : 0}}},
          {"hosts", t.hosts()},
          {"leaves", t.leaves()},
          {"l2", t.l2()},
          {"spines", spines ? t.spines() : 0},
          {"to_rent",
           {{"hosts", counts.hosts},
            {"leaf_links", counts.leaf_links},
            {"spine_links", counts.spine_links}}},
          {"reserved_hosts", counts.reserved},
          {"irregularities", json_of(loaded.warnings)},
          {"more_irregularities", loaded.more_warnings}};
}

}  // namespace

int fabric_import(const Arguments& arguments) {
  Flags flags(
      "fabric import", "FILE [flags]",
      "Reads a fabric's file, YAML or what ibnetdiscover prints, and says what is there: the "
      "tree, what can be\nrented, and what is irregular, with lines. What is no fat tree is "
      "refused.");
  Common common(Speaks::never);
  std::string path;
  flags.argument("FILE", "of the fabric; - is standard input", take_text(path));
  flags.example("ibnetdiscover | weft fabric import -", "what weft makes of the subnet you are in");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  const auto file = read_fabric_file("FILE", path);
  if (!file) return refuse("fabric import", file.error());
  if (!*file) return exit_usage;
  if (common.json)
    fmt::print("{}\n", json_of(**file).dump(1));
  else
    print_summary(**file, path == "-" ? "stdin" : path);
  return exit_done;
}

int fabric_generate(const Arguments& arguments) {
  Flags flags(
      "fabric generate", "--radix PORTS [--levels LEVELS] [--format FORMAT] [flags]",
      "Writes the file of a whole fat tree. The ibnetdiscover form is what ibsim simulates; "
      "numbers are\nthe same everywhere (docs/specs/005-slices.md).");
  Common common(Speaks::never);
  FabricFlags fabric_flags;
  bool as_yaml = false;
  fabric_flags.declare(flags);
  flags.option("--format", "FORMAT", "`ibnetdiscover` (default) or `yaml`",
               [&as_yaml](const std::string& text) -> Result<void> {
                 if (text != "ibnetdiscover" && text != "yaml")
                   return fail(Code::usage,
                               fmt::format("'{}' is not a format; ibnetdiscover or yaml", text));
                 as_yaml = text == "yaml";
                 return {};
               });
  flags.example("weft fabric generate --radix 16 > f1024.net", "1,024 hosts, for ibsim");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  const auto tree = fabric_flags.tree();
  if (!tree) return refuse("fabric generate", tree.error());
  const std::uint32_t levels = fabric_flags.levels;
  const std::uint32_t switches = tree->leaves() + tree->l2() + (levels == 3 ? tree->spines() : 0);
  if (tree->hosts() + switches > limits::fabric_lids_max)
    return refuse("fabric generate",
                  {Code::usage, fmt::format("--radix {}: {} hosts and {} switches; a subnet has at "
                                            "most {} of both",
                                            fabric_flags.radix, tree->hosts(), switches,
                                            limits::fabric_lids_max)});
  const fabric::Fabric model = fabric::generate(*tree, levels);
  const std::string text = as_yaml ? to_yaml(model) : to_ibnetdiscover(model);
  if (common.json)
    print_json({{"name", model.name}, {"text", text}});
  else
    fmt::print("{}", text);
  return exit_done;
}

}  // namespace weft::cli
