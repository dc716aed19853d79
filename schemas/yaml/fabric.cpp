#include "schemas/yaml/fabric.hpp"

#include <fmt/format.h>

#include <array>

#include "base/bit_rate.hpp"
#include "base/limits.hpp"
#include "schemas/yaml/name_pattern.hpp"
#include "schemas/yaml/reader.hpp"

namespace weft::yaml {
namespace {

constexpr std::array<std::string_view, 19> fabric_paths{"weft",
                                                        "name",
                                                        "radix",
                                                        "levels",
                                                        "tree",
                                                        "rails",
                                                        "link_rate",
                                                        "hosts",
                                                        "switches",
                                                        "sm_host",
                                                        "reserved",
                                                        "failed",
                                                        "tree.pods",
                                                        "tree.l2_per_pod",
                                                        "tree.hosts_per_leaf",
                                                        "tree.leaves_per_pod",
                                                        "tree.spines_per_l2",
                                                        "switches.leaves",
                                                        "switches.l2"};

class FabricKeys {
 public:
  FabricKeys(Reader& reader, FabricFile& out) : reader_(reader), out_(out) {}

  void read(const Node& root) {
    const std::vector<Key> keys{key("weft", &FabricKeys::version),
                                key("name", &FabricKeys::name),
                                key("radix", &FabricKeys::radix),
                                number("levels", levels_, 2, 3),
                                key("tree", &FabricKeys::tree),
                                number("rails", out_.rails, 1, limits::fabric_rails_max),
                                key("link_rate", &FabricKeys::link_rate),
                                names("hosts", out_.hosts),
                                key("switches", &FabricKeys::switches),
                                names("sm_host", out_.reserved),
                                names("reserved", out_.reserved),
                                key("failed", &FabricKeys::failed)};
    reader_.map(root, "", keys);
    if (root.kind == Node::Kind::map) complete();
  }

 private:
  using Method = void (FabricKeys::*)(const Node&, const std::string&);
  Key key(std::string_view name, Method method) {
    return {
        name,
        [this, method](const Node& node, const std::string& path) { (this->*method)(node, path); },
        {}};
  }
  Key number(std::string_view name, std::uint32_t& out, std::int64_t min, std::int64_t max) {
    return {name,
            [this, &out, min, max](const Node& node, const std::string& path) {
              if (const auto value = reader_.integer(node, path, min, max))
                out = static_cast<std::uint32_t>(*value);
            },
            {}};
  }
  Key names(std::string_view name, std::vector<FabricWord>& out) {
    return {
        name,
        [this, &out](const Node& node, const std::string& path) { take_names(node, path, out); },
        {}};
  }

  void version(const Node& node, const std::string& path) {
    if (node.text != "1")
      reader_.problem(node.at, Code::spec_version, path,
                      quoted(node.text) + " is a format that this build does not read; it reads 1");
  }
  void name(const Node& node, const std::string& path) {
    if (auto value = reader_.name(node, path)) out_.name = std::move(*value);
  }
  void link_rate(const Node& node, const std::string& path) {
    const auto value = reader_.text(node, path, limits::name_bytes_max, "write e.g. 50Mbps");
    if (!value) return;
    if (const auto rate = parse_bit_rate(*value))
      out_.link_rate_bps = *rate;
    else
      reader_.problem(node.at, rate.error().code, path, rate.error().detail);
  }
  void radix(const Node& node, const std::string& path) {
    const auto value = reader_.integer(node, path, 4, 64);
    radix_at_ = node.at;
    radix_given_ = true;
    if (!value) return;
    if (*value % 2 != 0)
      reader_.problem(node.at, Code::spec_range, path,
                      fmt::format("{}: half of a switch's ports go up; allowed are even numbers, "
                                  "4 to 64",
                                  *value));
    else
      radix_ = static_cast<std::uint32_t>(*value);
  }
  void tree(const Node& node, const std::string& path) {
    tree_at_ = node.at;
    tree_given_ = true;
    out_.spines_per_l2 = 0;
    constexpr std::int64_t most = 64;  // one word of bits: see broker/fabric/tree
    const std::vector<Key> keys{number("hosts_per_leaf", out_.hosts_per_leaf, 1, most),
                                number("leaves_per_pod", out_.leaves_per_pod, 1, most),
                                number("pods", out_.pods, 1, most),
                                number("l2_per_pod", out_.l2_per_pod, 1, most),
                                number("spines_per_l2", out_.spines_per_l2, 1, most)};
    reader_.map(node, path, keys);
    if (node.kind != Node::Kind::map) return;
    tree_levels_ = 2;
    std::vector<std::string_view> absent{"hosts_per_leaf", "leaves_per_pod", "l2_per_pod"};
    for (const Entry& entry : node.entries) {
      std::erase(absent, entry.key);
      if (entry.key == "spines_per_l2") tree_levels_ = 3;
    }
    if (!absent.empty())
      reader_.problem(node.at, Code::spec_missing, path,
                      fmt::format("lacks {}; a tree has hosts_per_leaf, leaves_per_pod and "
                                  "l2_per_pod, with three levels also pods and spines_per_l2",
                                  join_words(absent)));
  }
  void switches(const Node& node, const std::string& path) {
    const std::vector<Key> keys{names("leaves", out_.leaves), names("l2", out_.l2),
                                names("spines", out_.spines)};
    reader_.map(node, path, keys);
  }

  // One name or pattern, or a list of them.
  void take_names(const Node& node, const std::string& path, std::vector<FabricWord>& out) {
    if (node.kind == Node::Kind::list) {
      for (const Node& item : node.items) take_pattern(item, path, out);
      return;
    }
    take_pattern(node, path, out);
  }
  void take_pattern(const Node& node, const std::string& path, std::vector<FabricWord>& out) {
    const auto text = reader_.text(node, path, 255, "write a name, or a pattern as n[1-8]");
    if (!text) return;
    const auto expanded = expand_names(*text, limits::fabric_nodes_max);
    if (!expanded)
      return reader_.problem(node.at, expanded.error().code, path, expanded.error().detail);
    if (out.size() + expanded->size() > limits::fabric_nodes_max)
      return reader_.problem(
          node.at, Code::spec_size, path,
          fmt::format("more than {} names; at most that many", limits::fabric_nodes_max));
    for (const std::string& each : *expanded) out.push_back({node.at.line, node.at.column, each});
  }
  void failed(const Node& node, const std::string& path) {
    constexpr std::string_view allowed =
        "write a list of hosts, switches and links, e.g. [h3, \"leaf0_0 - l2_0_1\"]";
    const auto* items = reader_.list(node, path, limits::fabric_nodes_max, allowed);
    if (!items) return;
    for (const Node& item : *items) {
      const auto text = reader_.text(item, path, 255, allowed);
      if (!text) continue;
      if (text->find(" - ") != text->npos)
        out_.failed.push_back({item.at.line, item.at.column, *text});
      else
        take_pattern(item, path, out_.failed);
    }
  }

  // What depends on several keys.
  void complete() {
    if (radix_given_ && tree_given_)
      return reader_.problem(tree_at_, Code::spec_conflict, "tree",
                             "says again what radix says; keep one of the two");
    if (!radix_given_ && !tree_given_)
      return reader_.missing("radix",
                             "is missing; write radix and levels (16 and 3: 1,024 hosts), or tree");
    if (tree_given_) return complete_tree();
    if (radix_ == 0) return;
    out_.levels = levels_ == 0 ? 3 : levels_;
    const std::uint32_t half = radix_ / 2;
    out_.hosts_per_leaf = out_.l2_per_pod = half;
    out_.leaves_per_pod = out_.levels == 3 ? half : radix_;
    out_.pods = out_.levels == 3 ? radix_ : 1;
    out_.spines_per_l2 = out_.levels == 3 ? half : 1;
    count(radix_at_, "radix");
  }
  void complete_tree() {
    if (tree_levels_ == 0) return;
    if (levels_ != 0 && levels_ != tree_levels_)
      return reader_.problem(
          tree_at_, Code::spec_conflict, "levels",
          fmt::format("{}, but the tree {} spines_per_l2 and so has {}; leave levels out", levels_,
                      tree_levels_ == 3 ? "says" : "lacks", tree_levels_));
    if (tree_levels_ == 2 && out_.pods > 1)
      return reader_.problem(tree_at_, Code::spec_conflict, "tree.pods",
                             fmt::format("{} pods without spines never meet; write spines_per_l2, "
                                         "or pods: 1",
                                         out_.pods));
    out_.levels = tree_levels_;
    if (out_.levels == 2) out_.spines_per_l2 = 1;
    count(tree_at_, "tree");
  }
  void count(Place at, const std::string& path) {
    const std::uint32_t leaves = out_.leaves_per_pod * out_.pods;
    const std::uint32_t hosts = leaves * out_.hosts_per_leaf;
    const std::uint32_t spines = out_.levels == 3 ? out_.l2_per_pod * out_.spines_per_l2 : 0;
    const std::uint32_t switches = leaves + out_.l2_per_pod * out_.pods + spines;
    if (hosts + switches > limits::fabric_lids_max)
      reader_.problem(at, Code::spec_range, path,
                      fmt::format("{} hosts and {} switches; one fabric has at most {} of both "
                                  "(LIDs of an InfiniBand subnet)",
                                  hosts, switches, limits::fabric_lids_max));
  }

  Reader& reader_;
  FabricFile& out_;
  std::uint32_t levels_ = 0, radix_ = 0, tree_levels_ = 0;
  bool radix_given_ = false, tree_given_ = false;
  Place radix_at_, tree_at_;
};

}  // namespace

FabricFileRead read_fabric(std::string_view text) {
  FabricFileRead out;
  Document document = parse_document(text);
  Reader reader(std::move(document.problems), fabric_paths);
  if (reader.clean()) {
    if (document.root.kind == Node::Kind::null) document.root.kind = Node::Kind::map;
    FabricKeys(reader, out.fabric).read(document.root);
  }
  out.problems = reader.take_problems();
  return out;
}

}  // namespace weft::yaml
