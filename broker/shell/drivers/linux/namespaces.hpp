// Builds a simulated routed leaf-spine fabric inside this machine: a network namespace for every
// switch and host, a virtual cable for every link, and no way from any host to any other: the rule
// that refuses what no slice owns is there before the first cable is up. The machine's own
// namespace gets no link, address or route. Needs root; no kernel module beyond veth and tbf.
// Thread: any. Errors: spec.unsupported (several rails), usage (tag), os.error.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "broker/fabric/model/fabric.hpp"

namespace weft::broker::netns {

struct BuildOptions {
  std::uint64_t uplink_bits_per_second = 0;  // each way; 0: the fabric's link rate; that 0 too: as
                                             // fast as the machine copies
  bool shape_host_links = false;             // to the same rate
};

bool possible();  // may we make namespaces here?

// `tag`: a name for this fabric, 1 to 24 of a-z, 0-9: all that is made is named weft-TAG-..; where
// something of that name exists, the build is refused. What was made is removed on failure.
Result<void> build(const fabric::Fabric& fabric, const std::string& tag,
                   const BuildOptions& options = {});
// Whatever exists of it; nothing is left when this returns without an error. Processes that still
// run inside keep their namespace alive, nameless and without cables, until they end.
Result<void> demolish(const std::string& tag);

// What is configured once, at the build, and again for a host whose link was down: gateway,
// neighbour, address.
class Places;
Result<void> configure_host(const Places& places, std::uint32_t host);

}  // namespace weft::broker::netns
