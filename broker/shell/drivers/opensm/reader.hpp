// What the fabric really holds: forwarding tables, P_Key tables and port states of one rail, read
// from the switches and adapters themselves. Finds its way by directed routes over links that are
// thought to be up. Thread: one. Errors: fabric_unread; a single part that does not answer is
// absent.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/fabric/opensm/ports.hpp"
#include "broker/shell/drivers/opensm/smp.hpp"

namespace weft::broker {

struct TableBlock {  // 64 LIDs of a switch's table
  std::uint32_t of = 0, block = 0;
  auto operator<=>(const TableBlock&) const = default;
};
struct KeyPort {  // a host's port, or the port of its leaf that faces it
  std::uint32_t host = 0;
  bool facing = false;
  auto operator<=>(const KeyPort&) const = default;
};
struct SwitchPort {
  std::uint32_t of = 0;
  std::uint8_t port = 0;
  auto operator<=>(const SwitchPort&) const = default;
};
enum class PortState : std::uint8_t { none, down, init, armed, active };  // as in PortInfo

class FabricReader {
 public:
  using Rows = std::array<std::uint8_t, 64>;
  static constexpr std::uint32_t lids_per_block = 64, keys_per_block = 32;

  // Refused: the local port is no host's of this rail.
  static Result<FabricReader> make(const fabric::Rail& rail, SmpPort& port);

  void use(const fabric::Masks& usable);  // the links to go over from now on
  std::uint32_t self() const { return self_; }
  std::uint32_t hops(std::uint32_t number) const { return routes_[number].hops; }  // 0: no way
  // LID of the manager as the local port knows it; 0: not known.
  std::uint16_t manager_lid();

  std::vector<std::optional<Rows>> tables(std::span<const TableBlock> blocks);
  // Keys with the membership bit, ascending, empty places left out. `whole`: the whole table, else
  // its first block.
  std::vector<std::optional<std::vector<std::uint16_t>>> keys(std::span<const KeyPort> ports,
                                                              bool whole);
  std::vector<std::optional<PortState>> states(std::span<const SwitchPort> ports);
  // LIDs that the hosts' ports have now.
  std::vector<std::optional<std::uint16_t>> lids(std::span<const std::uint32_t> hosts);
  // Position of a key in a host's table now; -1: not there.
  int key_index(std::uint32_t host, std::uint16_t key);
  // Empty, or what stands at those places instead of the described nodes (as far as they answer).
  // Learns how long their P_Key tables are.
  std::vector<std::string> strangers();

 private:
  FabricReader(const fabric::Rail& rail, SmpPort& port, std::uint32_t self)
      : rail_(&rail), port_(&port), self_(self) {}
  SmpRequest to_switch(std::uint32_t number, SmpAttribute attribute, std::uint32_t modifier) const;
  SmpRequest to_key_port(KeyPort port, std::uint32_t block) const;
  SmpRequest to_host(std::uint32_t host, SmpAttribute attribute, std::uint32_t modifier) const;
  std::uint32_t key_blocks(KeyPort port) const;

  const fabric::Rail* rail_;
  SmpPort* port_;
  std::uint32_t self_;
  std::vector<Route> routes_;             // by switch number; no hops: no way
  std::vector<std::uint16_t> host_caps_;  // places in the P_Key table; 0: not known
  std::vector<std::uint16_t> leaf_caps_;  // of the ports that enforce
};

}  // namespace weft::broker
