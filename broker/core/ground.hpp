// The fabric that a broker rents, as its configuration names it: what there is, whose host is
// where, and who programs it. Not durable: the journal keeps slices by their places in the tree, so
// a fabric file may gain hosts, but not change its shape, while leases live. Thread: any
// (constant).
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "broker/fabric/model/fabric.hpp"
#include "broker/fabric/place.hpp"

namespace weft::broker {

struct Ground {
  fabric::Fabric fabric;
  fabric::Masks rentable;
  std::map<std::string, std::uint32_t, std::less<>> places;  // host of a node name
  std::string driver;                                        // none, linux or opensm
  bool enforced = false;                                     // the driver programs and reads back
  std::string text;                                          // the description, for clients

  Ground(fabric::Fabric what, std::string driver, std::string text);
  std::uint32_t place_of(std::string_view node) const;
  const std::string& host_name(std::uint32_t place) const;
};

}  // namespace weft::broker
