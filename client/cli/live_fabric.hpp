// The broker's fabric and what is on it now, for verbs of `weft fabric`.
#pragma once
#include <string>
#include <vector>

#include "broker/fabric/model/fabric.hpp"
#include "broker/fabric/routes/routes.hpp"
#include "client/cli/fabric_flags.hpp"
#include "client/cli/session.hpp"

namespace weft::cli {

struct LiveFabric {
  fabric::Fabric model;
  // What is down or in quarantine stands among the slices, with number 0.
  std::vector<fabric::Placed> slices;
  std::vector<std::string> labels;
};
Result<LiveFabric> fabric_of_broker(const Common& common);

}  // namespace weft::cli
