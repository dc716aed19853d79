// What OpenSM is started with: osm.conf and guid2lid. Thread: any. Errors: fabric_plan.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "broker/fabric/model/fabric.hpp"

namespace weft::broker::fabric {

// Sweeps on HUP and traps only, tables and partitions from files in `folder` (absolute), old tables
// kept when the file can't be used (else OpenSM falls back to another routing).
std::string osm_conf_text(std::string_view folder);
// port GUID (of a switch: node GUID), first and last LID, one line an end port: without it LIDs
// move and the tables point elsewhere.
std::string guid2lid_text(const Rail& rail);
Result<void> lint_guid2lid(const Rail& rail, std::string_view text);
// LIDs are there, in range and nobody's twice.
Result<void> check_lids(const Rail& rail);

}  // namespace weft::broker::fabric
