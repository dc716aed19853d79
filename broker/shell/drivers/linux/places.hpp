// What the elements of a fabric are called in the kernel: namespaces, interfaces, addresses, all
// from their place in the tree, so that nothing needs to be remembered.
//   weft-TAG-leaf0_1    leaf 1 of pod 0; l2_0_1, spine0_1 (tree, index), h5 (host 5)
//   d0, d1, ..          a switch's ports down, by place; u0, u1, .. up; a host's one is eth0
//   10.POD.LEAF.SLOT+1  a host; 169.254.0.1 is the other end of every cable
//   02:77:KIND:INDEX:PORT  hardware addresses, so that the neighbour of every port is known
// Pure. Thread: any.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "broker/fabric/model/fabric.hpp"
#include "broker/fabric/routes/routes.hpp"

namespace weft::broker::netns {

using fabric::At;
using fabric::Hop;
using fabric::Tier;
using Mac = std::array<std::uint8_t, 6>;

inline constexpr std::uint32_t far_end = 0xa9fe0001;  // 169.254.0.1, host order as all here
inline constexpr const char* host_device = "eth0";

struct End {  // of a cable: a port of a switch, or a host
  bool is_host = false;
  std::uint32_t host = 0;
  At at;
  Hop port;
  bool operator==(const End&) const = default;
};

class Places {
 public:
  Places(const fabric::Fabric& fabric, std::string tag);

  const fabric::Tree& tree() const { return tree_; }
  const fabric::Masks& present() const { return present_; }
  const std::vector<At>& switches() const { return switches_; }
  const std::vector<std::uint32_t>& hosts() const { return hosts_; }

  std::string prefix() const { return "weft-" + tag_ + "-"; }
  std::string space(At at) const { return prefix() + short_name(at); }
  std::string space(std::uint32_t host) const;
  std::string short_name(At at) const;
  std::string name(At at) const;  // the model's, for people
  std::string name(std::uint32_t host) const;

  std::vector<Hop> ports(At at) const;  // those with a cable
  End beyond(At at, Hop port) const;    // the other end of the cable
  static std::string device(Hop port);
  static std::optional<Hop> port_of(std::string_view device);
  static Mac mac(const End& end);

  std::uint32_t address(std::uint32_t host) const;
  std::uint32_t own_address(At at) const;  // what a switch says of itself: 169.254.KIND.INDEX
  std::optional<std::uint32_t> host_at(std::uint32_t address) const;
  // The cable of this port, as a cut: a host's bit, a leaf's uplink or an L2 switch's.
  fabric::Cut link(At at, Hop port) const;

 private:
  const fabric::Rail& rail_;
  fabric::Tree tree_;
  std::string tag_;
  fabric::Masks present_;
  std::vector<At> switches_;
  std::vector<std::uint32_t> hosts_;
};

std::string dotted(std::uint32_t address);

}  // namespace weft::broker::netns
