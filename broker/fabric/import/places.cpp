#include "broker/fabric/import/places.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "broker/fabric/import/tiers.hpp"

namespace weft::broker::fabric {
namespace {

constexpr std::uint32_t places_max = 64;  // of a kind below or above one switch: a word of bits

constexpr std::size_t blame_steps_max = 50'000'000;  // of the search for the link to blame

// Connected components over the links between two ranks, numbered by their least vertex.
class Components {
 public:
  Components(const Graph& graph, const std::vector<Rank>& ranks, Rank low, Rank high)
      : of_(graph.size(), nobody) {
    std::vector<std::uint32_t> open;
    for (std::uint32_t start = 0; start < graph.size(); ++start) {
      if (of_[start] != nobody || (ranks[start] != low && ranks[start] != high)) continue;
      of_[start] = count_;
      open.push_back(start);
      while (!open.empty()) {
        const std::uint32_t v = open.back();
        open.pop_back();
        for (const Edge& edge : graph[v].edges) {
          const bool joins = (ranks[v] == low && ranks[edge.peer] == high) ||
                             (ranks[v] == high && ranks[edge.peer] == low);
          if (!joins || of_[edge.peer] != nobody) continue;
          of_[edge.peer] = count_;
          open.push_back(edge.peer);
        }
      }
      ++count_;
    }
  }
  std::uint32_t of(std::uint32_t vertex) const { return of_[vertex]; }
  std::uint32_t count() const { return count_; }

 private:
  std::vector<std::uint32_t> of_;
  std::uint32_t count_ = 0;
};

class Finder {
 public:
  Finder(const Graph& graph, const std::vector<Rank>& ranks, Findings& findings)
      : graph_(graph), ranks_(ranks), findings_(findings) {}

  Places run() {
    find_pods();
    find_trees();
    if (findings_.clean()) index_l2();
    if (findings_.clean()) count();
    if (findings_.clean()) fill();
    return std::move(out_);
  }

 private:
  using Members = std::vector<std::vector<std::uint32_t>>;  // vertices in order of GUID

  // Pods in the order of their least leaf. Every component has one: an L2 switch is next to a leaf.
  void find_pods() {
    const Components parts(graph_, ranks_, Rank::leaf, Rank::l2);
    std::vector<std::uint32_t> number(parts.count(), nobody);
    for (std::uint32_t v = 0; v < graph_.size(); ++v) {
      if (ranks_[v] != Rank::leaf) continue;
      std::uint32_t& pod = number[parts.of(v)];
      if (pod == nobody) {
        pod = static_cast<std::uint32_t>(leaves_.size());
        leaves_.emplace_back();
      }
      leaves_[pod].push_back(v);
    }
    l2_.resize(leaves_.size());
    for (std::uint32_t v = 0; v < graph_.size(); ++v)
      if (ranks_[v] == Rank::l2) l2_[number[parts.of(v)]].push_back(v);
  }
  // Trees in the order of their least spine; L2 switches without a spine have none yet.
  void find_trees() {
    const Components parts(graph_, ranks_, Rank::l2, Rank::spine);
    std::vector<std::uint32_t> number(parts.count(), nobody);
    for (std::uint32_t v = 0; v < graph_.size(); ++v) {
      if (ranks_[v] != Rank::spine) continue;
      std::uint32_t& tree = number[parts.of(v)];
      if (tree == nobody) {
        tree = static_cast<std::uint32_t>(spines_.size());
        spines_.emplace_back();
      }
      spines_[tree].push_back(v);
    }
    tree_.assign(graph_.size(), nobody);
    for (std::uint32_t v = 0; v < graph_.size(); ++v)
      if (ranks_[v] == Rank::l2) tree_[v] = number[parts.of(v)];
    trees_ = static_cast<std::uint32_t>(spines_.size());
    out_.spines_exist = trees_ != 0;
  }

  // An L2 switch's index is its tree; those without spines take the lowest left over in their pod.
  void index_l2() {
    for (const auto& members : l2_) {
      std::map<std::uint32_t, std::uint32_t> of_tree;
      for (const std::uint32_t v : members) {
        if (tree_[v] == nobody) continue;
        const auto [first, fresh] = of_tree.emplace(tree_[v], v);
        if (!fresh) return two_trees(first->second, v);
      }
      std::uint32_t next = 0;
      for (const std::uint32_t v : members) {
        if (tree_[v] != nobody) continue;
        while (of_tree.contains(next)) ++next;
        tree_[v] = next;
        of_tree.emplace(next, v);
      }
      for (const auto& [tree, v] : of_tree) trees_ = std::max(trees_, tree + 1);
    }
  }
  // Two L2 switches of a pod reach each other over spines. The link to blame is the one whose spine
  // has least in common with the other spines of its L2 switch.
  void two_trees(std::uint32_t a, std::uint32_t b) {
    std::uint32_t worst_l2 = a, other_spine = nobody;
    const Edge* worst = nullptr;
    std::size_t least = SIZE_MAX, steps = 0;
    for (std::uint32_t v = 0; v < graph_.size(); ++v) {
      if (ranks_[v] != Rank::l2 || tree_[v] != tree_[a]) continue;
      for (const Edge& edge : graph_[v].edges) {
        if (ranks_[edge.peer] != Rank::spine) continue;
        if (steps > blame_steps_max) break;  // any of them will do
        std::size_t common = 0;
        std::uint32_t other = nobody;
        for (const Edge& more : graph_[v].edges) {
          if (ranks_[more.peer] != Rank::spine || more.peer == edge.peer) continue;
          common += shared(edge.peer, more.peer);
          steps += graph_[edge.peer].edges.size() + graph_[more.peer].edges.size();
          if (other == nobody) other = more.peer;
        }
        if (other == nobody || common >= least) continue;
        least = common;
        worst = &edge;
        worst_l2 = v;
        other_spine = other;
      }
    }
    if (worst == nullptr)  // each has one spine, and it is the same one
      return findings_.problem(
          graph_[b].block->line, 1, Code::spec_conflict,
          fmt::format("{} and {} are of one pod and reach the same spines; L2 switches of a pod "
                      "belong to different trees",
                      graph_[a].name(), graph_[b].name()));
    findings_.problem(worst->line, 1, Code::spec_conflict,
                      fmt::format("{} reaches spines of two trees, {} here and {}; so {} and {} of "
                                  "one pod are in the same tree, and each has its own",
                                  graph_[worst_l2].name(), graph_[worst->peer].name(),
                                  graph_[other_spine].name(), graph_[a].name(), graph_[b].name()));
  }
  // L2 switches next to both spines.
  std::size_t shared(std::uint32_t a, std::uint32_t b) const {
    std::size_t out = 0;
    auto left = graph_[a].edges.begin(), right = graph_[b].edges.begin();
    while (left != graph_[a].edges.end() && right != graph_[b].edges.end()) {
      if (left->peer == right->peer) ++out;
      if (left->peer <= right->peer)
        ++left;
      else
        ++right;
    }
    return out;
  }

  void count() {
    Tree& t = out_.tree;
    t.pods = static_cast<std::uint32_t>(leaves_.size());
    t.l2_per_pod = std::max(1U, trees_);
    t.spines_per_l2 = 1;
    bound(t.pods, "pods", leaves_.back().front());
    if (trees_ > places_max) bound(trees_, "L2 switches a pod", leaves_[0][0]);
    for (const auto& members : leaves_) {
      const auto leaves = static_cast<std::uint32_t>(members.size());
      t.leaves_per_pod = std::max(t.leaves_per_pod, leaves);
      bound(leaves, "leaves in a pod", members.front());
      for (const std::uint32_t leaf : members) {
        const auto hosts = static_cast<std::uint32_t>(hosts_of(leaf).size());
        t.hosts_per_leaf = std::max(t.hosts_per_leaf, hosts);
        bound(hosts, "hosts on a leaf", leaf);
      }
    }
    for (const auto& members : spines_) {
      const auto spines = static_cast<std::uint32_t>(members.size());
      t.spines_per_l2 = std::max(t.spines_per_l2, spines);
      bound(spines, "spines in a tree", members.front());
    }
  }
  void bound(std::uint32_t n, std::string_view what, std::uint32_t at) {
    if (n > places_max)
      findings_.problem(graph_[at].block->line, 1, Code::spec_range,
                        fmt::format("{} {}, seen at {}; allowed are 1 to {}", n, what,
                                    graph_[at].name(), places_max));
  }
  std::vector<std::uint32_t> hosts_of(std::uint32_t leaf) const {
    std::vector<std::uint32_t> out;
    for (const Edge& edge : graph_[leaf].edges)
      if (ranks_[edge.peer] == Rank::host) out.push_back(edge.peer);
    return out;
  }

  void fill() {
    const Tree& t = out_.tree;
    out_.hosts.assign(t.hosts(), nobody);
    out_.leaves.assign(t.leaves(), nobody);
    out_.l2.assign(t.l2(), nobody);
    out_.spines.assign(t.spines(), nobody);
    for (std::uint32_t pod = 0; pod < t.pods; ++pod) {
      for (std::uint32_t i = 0; i < leaves_[pod].size(); ++i) {
        const std::uint32_t place = pod * t.leaves_per_pod + i;
        out_.leaves[place] = leaves_[pod][i];
        const auto hosts = hosts_of(leaves_[pod][i]);
        std::copy(hosts.begin(), hosts.end(), out_.hosts.begin() + place * t.hosts_per_leaf);
      }
      for (const std::uint32_t v : l2_[pod]) out_.l2[pod * t.l2_per_pod + tree_[v]] = v;
    }
    for (std::uint32_t tree = 0; tree < spines_.size(); ++tree)
      std::copy(spines_[tree].begin(), spines_[tree].end(),
                out_.spines.begin() + tree * t.spines_per_l2);
  }

  const Graph& graph_;
  const std::vector<Rank>& ranks_;
  Findings& findings_;
  Places out_;
  Members leaves_, l2_, spines_;     // by pod, pod, tree
  std::vector<std::uint32_t> tree_;  // by vertex
  std::uint32_t trees_ = 0;
};

}  // namespace

Places find_places(const Graph& graph, Findings& findings) {
  const std::vector<Rank> ranks = find_tiers(graph, findings);
  if (!findings.clean()) return {};
  return Finder(graph, ranks, findings).run();
}

}  // namespace weft::broker::fabric
