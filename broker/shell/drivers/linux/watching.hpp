// What happens in a simulated fabric: links that go down or come up (RTM_NEWLINK of both ends), and
// hosts that tried to reach what is not theirs.
// A refusal shows as the ICMP "unreachable" that the leaf sends to the host: seen by a packet
// socket in the leaf's namespace, whose filter (BPF, in the kernel) lets nothing else through. The
// kernel limits those messages (six at once to a host, then one a second), so a flood of attempts
// costs little, and `attempts` counts the messages, not the packets refused. Thread: one at a time.
// Errors: os.error.
#pragma once
#include <functional>
#include <map>
#include <vector>

#include "broker/shell/drivers/driver.hpp"
#include "broker/shell/drivers/linux/netlink.hpp"
#include "broker/shell/drivers/linux/places.hpp"

namespace weft::broker::netns {

class Watching {
 public:
  static Result<Watching> open(const Places& places);
  Watching(Watching&& other) noexcept;
  ~Watching();

  // slice_of: of a host now; 0: none. Waits up to `patience` for the first event.
  Result<std::vector<FabricEvent>> wait(
      Duration patience, const std::function<std::uint64_t(std::uint32_t)>& slice_of);

 private:
  struct Ear {  // in a switch's namespace
    At at;
    Netlink links;
    int refusals = -1;              // packet socket; leaves only
    std::map<int, Hop> ports = {};  // by interface index
  };
  struct Refused {
    std::uint32_t from, to;
    bool operator<(const Refused& o) const { return std::pair(from, to) < std::pair(o.from, o.to); }
  };
  explicit Watching(const Places& places) : places_(&places) {}
  Result<void> listen(At at);
  void hear_links(Ear& ear, std::vector<FabricEvent>& out);
  void hear_refusals(Ear& ear, std::map<Refused, std::uint64_t>& out);
  void end_is(At at, Hop port, bool up, std::vector<FabricEvent>& out);

  const Places* places_;
  std::vector<Ear> ears_;
  std::map<std::string, std::pair<bool, bool>> links_;  // by name of the lower end: its ends up
};

}  // namespace weft::broker::netns
