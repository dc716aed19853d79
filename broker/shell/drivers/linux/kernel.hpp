// One network namespace's links, neighbours, routes and policy rules, asked for and told by
// rtnetlink. Addresses in host order. Thread: one at a time. Errors: os.error, naming the
// namespace.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/shell/drivers/linux/netlink.hpp"
#include "broker/shell/drivers/linux/places.hpp"

namespace weft::broker::netns {

struct Device {
  int index = 0;
  bool up = false;  // by both ends
  std::uint64_t packets_in = 0, bytes_in = 0, packets_out = 0, bytes_out = 0;
};
using Devices = std::map<std::string, Device>;

struct RouteRow {
  std::uint32_t table = 0, destination = 0, gateway = 0, metric = 0;
  std::uint8_t length = 0, type = 0, protocol = 0;
  int device = 0;  // index; 0: none
  auto operator<=>(const RouteRow&) const = default;
};

struct RuleRow {
  std::uint32_t preference = 0, table = 0, source = 0;
  std::uint8_t source_length = 0, action = 0;
  bool inverted = false;
  std::string in;  // interface; empty: any
  auto operator<=>(const RuleRow&) const = default;
};

class Kernel {
 public:
  static Result<Kernel> open(const std::string& space);
  const std::string& space() const { return space_; }

  Result<Devices> devices();
  Result<void> set_up(int device, bool up);
  Result<void> remove_links();  // all but the loopback; their other ends go with them
  // Whatever is there is replaced. `fine_when_down`: a device that is down is no error.
  Result<void> neighbour(int device, const Mac& mac, bool fine_when_down = false);
  Result<void> add_address(int device, std::uint32_t address);

  // To one address, or to all that have no row (destination 0, length 0). 0, or the kernel's errno.
  Result<int> add_route(const RouteRow& row, bool replace = false);
  Result<void> remove_route(const RouteRow& row);
  Result<std::vector<RouteRow>> routes();  // without those of table local
  Result<void> add_rule(const RuleRow& row);
  Result<void> remove_rule(const RuleRow& row);
  Result<std::vector<RuleRow>> rules();  // without those for table local

  // Where the kernel would send a packet that came in there; 0: nowhere, or to itself.
  Result<int> way_out(int in_device, std::uint32_t from, std::uint32_t to);

 private:
  Kernel(std::string space, Netlink socket)
      : space_(std::move(space)), socket_(std::move(socket)) {}
  Result<void> ask(Request& request, std::string_view what);

  std::string space_;
  Netlink socket_;
};

// A row to one host through a cable, as slices have them.
RouteRow through(std::uint32_t table, std::uint32_t destination, int device);
RouteRow unreachable(std::uint32_t table);  // all else

}  // namespace weft::broker::netns
