// The fabric that a broker rents, as its configuration names it: what there is, whose host is
// where, and who programs it. Not durable: the journal keeps slices by their places in the tree, so
// a fabric file may gain hosts, but not change its shape, while leases live. Thread: any
// (constant).
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/fabric/model/fabric.hpp"
#include "broker/fabric/place.hpp"

namespace weft::broker {

struct GroundProbe {  // of every slice before use and after it
  bool wanted = false;
  std::uint64_t expected_bps =
      0;  // what a way reaches on this fabric when it is well; 0: not known
  std::uint32_t share_percent = 80;  // of that, or of what the slice's better ways reach
};

struct Ground {
  fabric::Fabric fabric;
  fabric::Masks rentable;
  std::map<std::string, std::uint32_t, std::less<>> places;  // host of a node name
  std::string driver;                                        // none, linux or opensm
  bool enforced = false;                                     // the driver programs and reads back
  std::string text;                                          // the description, for clients
  // What UCX on every host needs to stay on this fabric, e.g. UCX_NET_DEVICES.
  std::vector<std::pair<std::string, std::string>> environment;
  GroundProbe probe;

  Ground(fabric::Fabric what, std::string driver, std::string text);
  bool has_keys() const { return driver == "opensm"; }  // P_Keys
  std::uint32_t place_of(std::string_view node) const;
  const std::string& host_name(std::uint32_t place) const;
};

}  // namespace weft::broker
