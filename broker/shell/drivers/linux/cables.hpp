// Virtual cables between namespaces (veth), and how fast they carry (tbf). Needs root.
// Thread: any. Errors: os.error, naming the ends.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "broker/shell/drivers/linux/netlink.hpp"
#include "broker/shell/drivers/linux/places.hpp"

namespace weft::broker::netns {

struct Spot {  // an end of a cable, with the namespace and the name that it has there
  std::string space, device;
  Mac mac{};
};

// `here`: a socket of near.space. Both ends are still down.
Result<void> lay(Netlink& here, const Spot& near, const Spot& far);

// What these interfaces send: a token bucket of 4 ms or 16 KiB, and a queue of 20 ms or 128 KiB.
Result<void> shape_in(const std::string& space, const std::vector<int>& devices,
                      std::uint64_t bits_per_second);

}  // namespace weft::broker::netns
