// The driver `linux`: slices on a simulated routed leaf-spine fabric of network namespaces, as
// namespaces.hpp builds it. Packets, counters and bandwidth are real; see docs/specs/005-slices.md.
// Nothing needs to be remembered: what is programmed is read from the kernel before every change,
// so a new driver on an old fabric goes on where the last one stopped.
// Needs root, two descriptors a switch and one more a leaf for watching, one rail.
#pragma once
#include <memory>
#include <string>

#include "broker/shell/drivers/driver.hpp"

namespace weft::broker {

// The fabric must have been built with this tag. Errors: spec.unsupported (several rails),
// os.error.
Result<std::unique_ptr<Driver>> open_linux_driver(const fabric::Fabric& fabric, std::string tag);

namespace netns {

// All hosts on all links as one slice, destination by destination over the uplinks: the shared
// fabric that most clusters have, to measure beside slices. It isolates nobody.
fabric::Placed shared_fabric(const fabric::Fabric& fabric, std::uint64_t slice);

// The namespace and the interface where a host's processes belong.
std::string space_of_host(const std::string& tag, std::uint32_t host);

// Counters of every link, by both ends: what the lower end sent up and down. Host links too.
struct LinkCount {
  std::string name;  // "leaf0_0 u1"; of a host's link "leaf0_0 d1"
  fabric::Cut link;
  std::uint64_t packets_up = 0, bytes_up = 0, packets_down = 0, bytes_down = 0;
};
Result<std::vector<LinkCount>> count_links(const fabric::Fabric& fabric, const std::string& tag);

// Takes a link down or brings it up at its lower end, as a cable that is pulled. For tests.
Result<void> set_link(const fabric::Fabric& fabric, const std::string& tag, fabric::At at,
                      fabric::Hop port, bool up);

}  // namespace netns
}  // namespace weft::broker
