#include "broker/fabric/import/write.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/bit_rate.hpp"
#include "broker/fabric/import/link_speed.hpp"

namespace weft::broker::fabric {
namespace {

// A list of links of one switch, by port number: the order in which ibnetdiscover prints them.
struct PortLine {
  std::uint8_t port = 0;
  std::string text;
};

class Writer {
 public:
  Writer(const Fabric& fabric, std::uint32_t rail)
      : rail_(fabric.rails[rail]), t_(rail_.tree), speed_(speed_text(fabric.link_rate_bps)) {
    line("# Topology file: written by weft\n");
    line("#WEFT name={}\n", fabric.name);
    if (fabric.link_rate_bps != 0)
      line("#WEFT link_rate={}\n", bit_rate_text(fabric.link_rate_bps));
    for (const Host& host : rail_.hosts)
      if (host.reserved && host.name.find(' ') == std::string::npos)
        line("#WEFT reserved={}\n", host.name);
      else if (host.reserved)  // a name of several words is how this text tells namesakes apart
        line("#WEFT reserved=H-{:016x}\n", host.guid);
  }

  std::string run() {
    for (std::uint32_t h = 0; h < t_.hosts(); ++h) host(h);
    for (std::uint32_t pod = 0; pod < t_.pods; ++pod) {
      for (std::uint32_t i = 0; i < t_.leaves_per_pod; ++i) leaf(pod * t_.leaves_per_pod + i);
      for (std::uint32_t i = 0; i < t_.l2_per_pod; ++i) l2(pod * t_.l2_per_pod + i);
    }
    for (std::uint32_t s = 0; s < t_.spines(); ++s) spine(s);
    return std::move(out_);
  }

 private:
  template <class... A>
  void line(fmt::format_string<A...> format, A&&... values) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<A>(values)...);
  }

  // As importers read it: the first word is the host, unless the name has several.
  static std::string description(const Host& host) {
    return host.name.find(' ') == std::string::npos ? host.name + " HCA-1" : host.name;
  }
  bool linked(std::uint32_t h) const {
    return !rail_.hosts[h].name.empty() &&
           rail_.leaves[h / t_.hosts_per_leaf].down[h % t_.hosts_per_leaf] != 0;
  }
  void host(std::uint32_t h) {
    if (!linked(h)) return;
    const Host& host = rail_.hosts[h];
    const Switch& leaf = rail_.leaves[h / t_.hosts_per_leaf];
    line("\nvendid=0x2c9\ndevid=0x101b\nsysimgguid=0x{0:x}\ncaguid=0x{0:x}\n", host.guid);
    line("Ca\t{} \"H-{:016x}\"\t\t# \"{}\"\n", host.port, host.guid, description(host));
    line("[{}]({:x}) \t\"S-{:016x}\"[{}]\t\t# lid {} lmc 0 \"{}\" lid {}{}\n", host.port,
         host.port_guid, leaf.guid, leaf.down[h % t_.hosts_per_leaf], host.lid, leaf.name, leaf.lid,
         speed_);
  }

  void begin(const Switch& s) {
    ports_.clear();
    self_ = &s;
  }
  void to_switch(std::uint8_t port, const Switch& peer, std::uint8_t peer_port) {
    if (port == 0 || peer_port == 0) return;
    ports_.push_back({port, fmt::format("[{}]\t\"S-{:016x}\"[{}]\t\t# \"{}\" lid {}{}\n", port,
                                        peer.guid, peer_port, peer.name, peer.lid, speed_)});
  }
  void end() {
    if (ports_.empty() || self_->name.empty()) return;
    std::sort(ports_.begin(), ports_.end(),
              [](const PortLine& a, const PortLine& b) { return a.port < b.port; });
    line("\nvendid=0x2c9\ndevid=0xd2f0\nsysimgguid=0x{0:x}\nswitchguid=0x{0:x}({0:x})\n",
         self_->guid);
    line("Switch\t{} \"S-{:016x}\"\t\t# \"{}\" enhanced port 0 lid {} lmc 0\n", self_->ports,
         self_->guid, self_->name, self_->lid);
    for (const PortLine& p : ports_) out_ += p.text;
  }

  void leaf(std::uint32_t l) {
    const Switch& s = rail_.leaves[l];
    begin(s);
    for (std::uint32_t slot = 0; slot < t_.hosts_per_leaf; ++slot) {
      const std::uint32_t h = l * t_.hosts_per_leaf + slot;
      if (!linked(h)) continue;
      const Host& host = rail_.hosts[h];
      ports_.push_back(
          {s.down[slot],
           fmt::format("[{}]\t\"H-{:016x}\"[{}]({:x}) \t\t# \"{}\" lid {}{}\n", s.down[slot],
                       host.guid, host.port, host.port_guid, description(host), host.lid, speed_)});
    }
    for (std::uint32_t i = 0; i < t_.l2_per_pod; ++i) {
      const Switch& peer = rail_.l2[t_.pod_of(l) * t_.l2_per_pod + i];
      to_switch(s.up[i], peer, peer.down[l % t_.leaves_per_pod]);
    }
    end();
  }
  void l2(std::uint32_t index) {
    const std::uint32_t pod = index / t_.l2_per_pod, tree = index % t_.l2_per_pod;
    const Switch& s = rail_.l2[index];
    begin(s);
    for (std::uint32_t i = 0; i < t_.leaves_per_pod; ++i) {
      const Switch& peer = rail_.leaves[pod * t_.leaves_per_pod + i];
      to_switch(s.down[i], peer, peer.up[tree]);
    }
    for (std::uint32_t j = 0; j < t_.spines_per_l2; ++j) {
      const Switch& peer = rail_.spines[tree * t_.spines_per_l2 + j];
      to_switch(s.up[j], peer, peer.down[pod]);
    }
    end();
  }
  void spine(std::uint32_t index) {
    const std::uint32_t tree = index / t_.spines_per_l2;
    const Switch& s = rail_.spines[index];
    begin(s);
    for (std::uint32_t pod = 0; pod < t_.pods; ++pod) {
      const Switch& peer = rail_.l2[pod * t_.l2_per_pod + tree];
      to_switch(s.down[pod], peer, peer.up[index % t_.spines_per_l2]);
    }
    end();
  }

  const Rail& rail_;
  const Tree& t_;
  std::string speed_;  // with a blank before it, or empty
  std::string out_;
  std::vector<PortLine> ports_;
  const Switch* self_ = nullptr;
};

}  // namespace

std::string to_ibnetdiscover(const Fabric& fabric, std::uint32_t rail) {
  return Writer(fabric, rail).run();
}

std::string to_yaml(const Fabric& fabric) {
  const Tree& t = fabric.tree();
  std::string out = fmt::format("weft: 1\nname: {}\ntree:\n", fabric.name);
  out += fmt::format("  hosts_per_leaf: {}\n  leaves_per_pod: {}\n  l2_per_pod: {}\n",
                     t.hosts_per_leaf, t.leaves_per_pod, t.l2_per_pod);
  if (levels(fabric) == 3)
    out += fmt::format("  pods: {}\n  spines_per_l2: {}\n", t.pods, t.spines_per_l2);
  out += fmt::format("rails: {}\nhosts: h[0-{}]\n", fabric.rails.size(), t.hosts() - 1);
  if (fabric.link_rate_bps != 0)
    out += fmt::format("link_rate: {}\n", bit_rate_text(fabric.link_rate_bps));
  return out;
}

}  // namespace weft::broker::fabric
