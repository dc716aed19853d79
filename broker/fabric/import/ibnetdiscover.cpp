// From places to the model, with a warning for each that is empty.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "broker/fabric/import/graph.hpp"
#include "broker/fabric/import/parts.hpp"
#include "broker/fabric/import/places.hpp"

namespace weft::broker::fabric {
namespace {

// The first word of an adapter's description is its host's name ("n12 HCA-1").
std::string short_name(const Block& block) {
  if (block.id.kind != NodeKind::adapter) return block.description;
  return block.description.substr(0, block.description.find(' '));
}

class Builder {
 public:
  Builder(const Topology& topology, const Graph& graph, const Places& places, Findings& findings)
      : topology_(topology), graph_(graph), places_(places), t_(places.tree), findings_(findings) {}

  Fabric run(std::string_view default_name) {
    name_vertices();
    Fabric out;
    out.name = topology_.name.empty() ? std::string(default_name) : topology_.name;
    out.link_rate_bps = topology_.link_rate_bps != 0 ? topology_.link_rate_bps : usual_rate();
    rail_.tree = t_;
    add_elements();
    add_links();
    reserve();
    out.rails.push_back(std::move(rail_));
    return out;
  }

 private:
  // A name that several nodes share would lead people to the wrong one: then the GUID is the name.
  void name_vertices() {
    std::map<std::string, std::uint32_t> short_names, whole;
    for (const Vertex& v : graph_.vertices()) {
      ++short_names[short_name(*v.block)];
      if (short_name(*v.block) != v.block->description) ++whole[v.block->description];
    }
    for (const Vertex& v : graph_.vertices()) {
      const Block& block = *v.block;
      const std::string name = short_name(block);
      const bool long_one = name != block.description && whole[block.description] == 1 &&
                            short_names[block.description] == 0;
      if (!name.empty() && short_names[name] == 1)
        names_.push_back(name);
      else
        names_.push_back(long_one ? block.description : to_string(block.id));
      if (!name.empty() && short_names[name] > 1)
        findings_.warning(block.line, Code::spec_duplicate,
                          fmt::format("'{}' is the name of {} nodes; this one is called '{}'", name,
                                      short_names[name], names_.back()));
    }
  }

  // The rate of most links; those that are slower are named.
  std::uint64_t usual_rate() {
    std::map<std::uint64_t, std::uint64_t> counts;
    for (const Vertex& v : graph_.vertices())
      for (const PortLine& link : v.block->links)
        if (link.bits_per_second != 0) ++counts[link.bits_per_second];
    std::uint64_t usual = 0, most = 0;
    for (const auto& [rate, count] : counts)
      if (count > most) most = count, usual = rate;
    for (const Vertex& v : graph_.vertices())
      for (const PortLine& link : v.block->links)
        if (link.bits_per_second != 0 && link.bits_per_second < usual && v.is_switch())
          findings_.warning(
              link.line, Code::spec_range,
              fmt::format("port {} of {} runs at {} Gbps, most links at {} Gbps", link.port,
                          v.name(), link.bits_per_second / 1'000'000'000, usual / 1'000'000'000));
    return usual;
  }

  Switch make(std::uint32_t v, std::uint32_t down, std::uint32_t up) const {
    Switch out;
    out.down.assign(down, 0);
    out.up.assign(up, 0);
    if (v == nobody) return out;
    const Block& block = *graph_[v].block;
    out.name = names_[v];
    out.guid = block.id.guid;
    out.lid = block.lid;
    out.ports = block.ports;
    return out;
  }
  void add_elements() {
    for (const std::uint32_t v : places_.hosts) {
      Host host;
      if (v != nobody) {
        const Block& block = *graph_[v].block;
        const PortLine& link = *std::find_if(
            block.links.begin(), block.links.end(),
            [&](const PortLine& l) { return l.port == graph_[v].edges.front().port; });
        host = {names_[v], block.id.guid, link.port_guid, link.lid, link.port, false};
      }
      rail_.hosts.push_back(std::move(host));
    }
    for (const std::uint32_t v : places_.leaves)
      rail_.leaves.push_back(make(v, t_.hosts_per_leaf, t_.l2_per_pod));
    for (const std::uint32_t v : places_.l2)
      rail_.l2.push_back(make(v, t_.leaves_per_pod, t_.spines_per_l2));
    for (const std::uint32_t v : places_.spines) rail_.spines.push_back(make(v, t_.pods, 0));
  }

  const Edge* edge(std::uint32_t from, std::uint32_t to) const {
    if (from == nobody || to == nobody) return nullptr;
    const auto& edges = graph_[from].edges;
    const auto found =
        std::lower_bound(edges.begin(), edges.end(), to,
                         [](const Edge& e, std::uint32_t wanted) { return e.peer < wanted; });
    return found != edges.end() && found->peer == to ? &*found : nullptr;
  }
  // Takes the link over into both ends; warns if both are there and it is not.
  void join(std::uint32_t low, std::uint8_t& up, std::uint32_t high, std::uint8_t& down) {
    if (const Edge* link = edge(low, high)) {
      up = link->port;
      down = link->peer_port;
    } else if (low != nobody && high != nobody) {
      missing(low, fmt::format("no link between {} and {}; it stays unsold", graph_[low].name(),
                               graph_[high].name()));
    }
  }
  void missing(std::uint32_t at, std::string text) {
    findings_.warning(graph_[at].block->line, Code::spec_missing, std::move(text));
  }
  void fewer(std::uint32_t at, std::size_t n, std::uint32_t most, std::string_view what) {
    if (n < most)
      missing(at, fmt::format("{} {} at {}, elsewhere {}; {} missing", n, what, graph_[at].name(),
                              most, most - n == 1 ? "one is" : fmt::format("{} are", most - n)));
  }
  static std::size_t there(const std::vector<std::uint32_t>& list, std::size_t from,
                           std::size_t n) {
    const auto first = list.begin() + static_cast<std::ptrdiff_t>(from);
    return n - static_cast<std::size_t>(
                   std::count(first, first + static_cast<std::ptrdiff_t>(n), nobody));
  }

  void add_links() {
    for (std::uint32_t l = 0; l < t_.leaves(); ++l) leaf_links(l);
    for (std::uint32_t pod = 0; pod < t_.pods; ++pod) {
      const std::uint32_t first = places_.leaves[pod * t_.leaves_per_pod];
      fewer(first, there(places_.leaves, pod * t_.leaves_per_pod, t_.leaves_per_pod),
            t_.leaves_per_pod, "leaves in the pod that begins");
      fewer(first, there(places_.l2, pod * t_.l2_per_pod, t_.l2_per_pod), t_.l2_per_pod,
            "L2 switches in the pod that begins");
    }
    if (!places_.spines_exist) return;
    for (std::uint32_t tree = 0; tree < t_.l2_per_pod; ++tree)
      if (const std::uint32_t first = places_.spines[tree * t_.spines_per_l2]; first != nobody)
        fewer(first, there(places_.spines, tree * t_.spines_per_l2, t_.spines_per_l2),
              t_.spines_per_l2, "spines in the tree that begins");
      else
        for (std::uint32_t pod = 0; pod < t_.pods; ++pod)
          if (const std::uint32_t v = places_.l2[pod * t_.l2_per_pod + tree]; v != nobody)
            missing(v, fmt::format("{} reaches no spine", graph_[v].name()));
    for (std::uint32_t s = 0; s < t_.l2(); ++s) spine_links(s);
  }
  void leaf_links(std::uint32_t l) {
    const std::uint32_t v = places_.leaves[l];
    if (v == nobody) return;
    Switch& leaf = rail_.leaves[l];
    for (std::uint32_t slot = 0; slot < t_.hosts_per_leaf; ++slot)
      if (const Edge* link = edge(v, places_.hosts[l * t_.hosts_per_leaf + slot]))
        leaf.down[slot] = link->port;
    fewer(v, there(places_.hosts, l * t_.hosts_per_leaf, t_.hosts_per_leaf), t_.hosts_per_leaf,
          "hosts");
    for (std::uint32_t i = 0; i < t_.l2_per_pod; ++i) {
      const std::uint32_t l2 = t_.pod_of(l) * t_.l2_per_pod + i;
      join(v, leaf.up[i], places_.l2[l2], rail_.l2[l2].down[l % t_.leaves_per_pod]);
    }
  }
  void spine_links(std::uint32_t s) {
    const std::uint32_t v = places_.l2[s];
    if (v == nobody) return;
    for (std::uint32_t j = 0; j < t_.spines_per_l2; ++j) {
      const std::uint32_t spine = s % t_.l2_per_pod * t_.spines_per_l2 + j;
      join(v, rail_.l2[s].up[j], places_.spines[spine],
           rail_.spines[spine].down[s / t_.l2_per_pod]);
    }
  }

  void reserve() {
    std::map<std::string, std::size_t> places;
    for (std::size_t h = 0; h < rail_.hosts.size(); ++h) {
      if (rail_.hosts[h].name.empty()) continue;
      places.emplace(rail_.hosts[h].name, h);
      places.emplace(to_string(NodeId{NodeKind::adapter, rail_.hosts[h].guid}), h);
    }
    for (const Topology::Reserved& each : topology_.reserved) {
      const auto found = places.find(each.host);
      if (found != places.end())
        rail_.hosts[found->second].reserved = true;
      else
        findings_.problem(
            each.line, 1, Code::spec_range,
            fmt::format("'{}' is to be reserved and is no host of this file", each.host));
    }
  }

  const Topology& topology_;
  const Graph& graph_;
  const Places& places_;
  const Tree& t_;
  Findings& findings_;
  Rail rail_;
  std::vector<std::string> names_;  // by vertex
};

}  // namespace

Loaded load_ibnetdiscover(std::string_view text, std::string_view default_name) {
  Loaded out;
  Findings findings;
  if (text.size() > limits::fabric_text_bytes_max)
    findings.problem(1, 1, Code::spec_size,
                     fmt::format("{} bytes; a topology file has at most {}", text.size(),
                                 limits::fabric_text_bytes_max));
  Topology topology;
  if (findings.clean()) topology = read_blocks(text, findings);
  if (findings.clean()) {
    const Graph graph(topology, findings);
    Places places;
    if (findings.clean()) places = find_places(graph, findings);
    if (findings.clean()) out.fabric = Builder(topology, graph, places, findings).run(default_name);
  }
  findings.move_into(out);
  return out;
}

}  // namespace weft::broker::fabric
