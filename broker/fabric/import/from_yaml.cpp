// fabric.yaml to a model: the generated fabric of that tree, named as the file says, less what it
// says is missing.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/limits.hpp"
#include "broker/fabric/import/parts.hpp"
#include "broker/fabric/model/generate.hpp"
#include "schemas/yaml/fabric.hpp"

namespace weft::broker::fabric {
namespace {

using yaml::FabricFile;
using yaml::FabricWord;

enum class Kind : std::uint8_t { host, leaf, l2, spine };
struct Element {
  Kind kind{};
  std::uint32_t index = 0;
};

class FromYaml {
 public:
  FromYaml(const FabricFile& file, std::string_view default_name) : file_(file) {
    const Tree tree{file.hosts_per_leaf, file.leaves_per_pod, file.pods, file.l2_per_pod,
                    file.spines_per_l2};
    fabric_ = generate(tree, file.levels, file.rails);
    fabric_.name = file.name.empty() ? std::string(default_name) : file.name;
    fabric_.link_rate_bps = file.link_rate_bps;
  }

  Loaded run() {
    rename("hosts", file_.hosts, Kind::host);
    rename("switches.leaves", file_.leaves, Kind::leaf);
    rename("switches.l2", file_.l2, Kind::l2);
    if (file_.levels == 3)
      rename("switches.spines", file_.spines, Kind::spine);
    else if (!file_.spines.empty())
      problem(file_.spines.front(), Code::spec_conflict, "switches.spines",
              "a fabric of two levels has none; name its upper switches under switches.l2");
    if (out_.problems.empty()) index();
    if (out_.problems.empty()) {
      for (const FabricWord& word : file_.reserved) reserve(word);
      for (const FabricWord& word : file_.failed) fail_one(word);
    }
    std::stable_sort(out_.problems.begin(), out_.problems.end(),
                     [](const Problem& a, const Problem& b) {
                       return std::pair(a.line, a.column) < std::pair(b.line, b.column);
                     });
    if (out_.problems.empty()) out_.fabric = std::move(fabric_);
    return std::move(out_);
  }

 private:
  void problem(const FabricWord& at, Code code, std::string_view key, std::string text) {
    if (out_.problems.size() < static_cast<std::size_t>(limits::spec_errors_max))
      out_.problems.push_back({at.line, at.column, code, std::string(key), std::move(text)});
  }
  // The places of one kind on a rail.
  static std::string& name_of(Rail& rail, Element e) {
    switch (e.kind) {
      case Kind::host: return rail.hosts[e.index].name;
      case Kind::leaf: return rail.leaves[e.index].name;
      case Kind::l2: return rail.l2[e.index].name;
      case Kind::spine: break;
    }
    return rail.spines[e.index].name;
  }
  std::uint32_t places(Kind kind) const {
    const Tree& t = fabric_.tree();
    switch (kind) {
      case Kind::host: return t.hosts();
      case Kind::leaf: return t.leaves();
      case Kind::l2: return t.l2();
      case Kind::spine: break;
    }
    return file_.levels == 3 ? t.spines() : 0;
  }

  void rename(std::string_view key, const std::vector<FabricWord>& words, Kind kind) {
    if (words.empty()) return;
    if (words.size() != places(kind))
      return problem(words.front(), Code::spec_conflict, key,
                     fmt::format("{} names for {} places of this tree; name each, and list those "
                                 "that are not there under failed",
                                 words.size(), places(kind)));
    for (Rail& rail : fabric_.rails)
      for (std::uint32_t i = 0; i < words.size(); ++i) name_of(rail, {kind, i}) = words[i].text;
  }
  void index() {
    const FabricWord top{1, 1, {}};
    const auto add = [&](Kind kind, std::string_view key, const std::vector<FabricWord>& words) {
      for (std::uint32_t i = 0; i < places(kind); ++i) {
        const std::string& name = name_of(fabric_.rails[0], {kind, i});
        if (!elements_.emplace(name, Element{kind, i}).second)
          problem(words.empty() ? top : words[i], Code::spec_duplicate, key,
                  fmt::format("'{}' names two elements of this fabric; a name is of one", name));
      }
    };
    add(Kind::host, "hosts", file_.hosts);
    add(Kind::leaf, "switches.leaves", file_.leaves);
    add(Kind::l2, "switches.l2", file_.l2);
    add(Kind::spine, "switches.spines", file_.spines);
  }
  const Element* find(const FabricWord& at, std::string_view key, std::string_view name) {
    const auto found = elements_.find(name);
    if (found != elements_.end()) return &found->second;
    const Rail& rail = fabric_.rails[0];
    problem(at, Code::spec_range, key,
            fmt::format("'{}' is not in this fabric; its hosts are {} to {}, its switches {} to {}",
                        name.substr(0, 63), rail.hosts.front().name, rail.hosts.back().name,
                        rail.leaves.front().name,
                        file_.levels == 3 ? rail.spines.back().name : rail.l2.back().name));
    return nullptr;
  }
  void reserve(const FabricWord& word) {
    const Element* element = find(word, "reserved", word.text);
    if (!element) return;
    if (element->kind != Kind::host)
      return problem(word, Code::spec_range, "reserved",
                     fmt::format("'{}' is a switch; hosts are reserved", word.text));
    for (Rail& rail : fabric_.rails) rail.hosts[element->index].reserved = true;
  }

  void fail_one(const FabricWord& word) {
    const std::size_t dash = word.text.find(" - ");
    if (dash != std::string::npos) return fail_link(word, dash);
    const Element* element = find(word, "failed", word.text);
    if (!element) return;
    for (Rail& rail : fabric_.rails) remove(rail, *element);
  }
  void fail_link(const FabricWord& word, std::size_t dash) {
    const std::string_view text = word.text;
    const Element* a = find(word, "failed", text.substr(0, dash));
    const Element* b = find(word, "failed", text.substr(dash + 3));
    if (!a || !b) return;
    if (b->kind < a->kind) std::swap(a, b);
    if (!neighbours(*a, *b))
      return problem(word, Code::spec_range, "failed",
                     fmt::format("no link joins {} in this tree; a link is of a host and its leaf, "
                                 "a leaf and an L2 switch of its pod, or an L2 switch and a spine "
                                 "of its tree",
                                 text));
    for (Rail& rail : fabric_.rails) unlink(rail, *a, *b);
  }
  bool neighbours(Element low, Element high) const {
    const Tree& t = fabric_.tree();
    if (low.kind == Kind::host && high.kind == Kind::leaf)
      return low.index / t.hosts_per_leaf == high.index;
    if (low.kind == Kind::leaf && high.kind == Kind::l2)
      return t.pod_of(low.index) == high.index / t.l2_per_pod;
    return low.kind == Kind::l2 && high.kind == Kind::spine &&
           low.index % t.l2_per_pod == high.index / t.spines_per_l2;
  }
  static void unlink(Rail& rail, Element low, Element high) {
    const Tree& t = rail.tree;
    if (low.kind == Kind::host) {
      rail.leaves[high.index].down[low.index % t.hosts_per_leaf] = 0;
    } else if (low.kind == Kind::leaf) {
      rail.leaves[low.index].up[high.index % t.l2_per_pod] = 0;
      rail.l2[high.index].down[low.index % t.leaves_per_pod] = 0;
    } else {
      rail.l2[low.index].up[high.index % t.spines_per_l2] = 0;
      rail.spines[high.index].down[low.index / t.l2_per_pod] = 0;
    }
  }
  // An element that is not there, and its links with it. Hosts of a missing leaf are unreachable,
  // so they are missing too.
  static void remove(Rail& rail, Element e) {
    const Tree& t = rail.tree;
    if (e.kind == Kind::host) {
      unlink(rail, e, {Kind::leaf, e.index / t.hosts_per_leaf});
      rail.hosts[e.index] = {};
      return;
    }
    Switch& gone = e.kind == Kind::leaf ? rail.leaves[e.index]
                   : e.kind == Kind::l2 ? rail.l2[e.index]
                                        : rail.spines[e.index];
    if (e.kind == Kind::leaf) {
      for (std::uint32_t i = 0; i < t.hosts_per_leaf; ++i)
        remove(rail, {Kind::host, e.index * t.hosts_per_leaf + i});
      for (std::uint32_t i = 0; i < t.l2_per_pod; ++i)
        unlink(rail, e, {Kind::l2, t.pod_of(e.index) * t.l2_per_pod + i});
    } else if (e.kind == Kind::l2) {
      const std::uint32_t pod = e.index / t.l2_per_pod, tree = e.index % t.l2_per_pod;
      for (std::uint32_t i = 0; i < t.leaves_per_pod; ++i)
        unlink(rail, {Kind::leaf, pod * t.leaves_per_pod + i}, e);
      for (std::uint32_t j = 0; j < t.spines_per_l2; ++j)
        unlink(rail, e, {Kind::spine, tree * t.spines_per_l2 + j});
    } else {
      for (std::uint32_t pod = 0; pod < t.pods; ++pod)
        unlink(rail, {Kind::l2, pod * t.l2_per_pod + e.index / t.spines_per_l2}, e);
    }
    gone = {{},
            0,
            0,
            0,
            std::vector<std::uint8_t>(gone.down.size(), 0),
            std::vector<std::uint8_t>(gone.up.size(), 0)};
  }

  const FabricFile& file_;
  Fabric fabric_;
  Loaded out_;
  std::map<std::string, Element, std::less<>> elements_;
};

}  // namespace

Loaded load_yaml(std::string_view text, std::string_view default_name) {
  yaml::FabricFileRead read = yaml::read_fabric(text);
  if (read.problems.empty()) return FromYaml(read.fabric, default_name).run();
  Loaded out;
  out.problems = std::move(read.problems);
  return out;
}

}  // namespace weft::broker::fabric
