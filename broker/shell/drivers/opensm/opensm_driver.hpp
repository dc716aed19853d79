// Driver `opensm`: weft in front of a real OpenSM. It writes OpenSM's partition and table files,
// tells it to read them (HUP), and learns what came of it by reading the switches and adapters
// themselves, never from OpenSM's log. One rail. Thread: one.
// What OpenSM does with bad files, and what this driver does about it: docs/guide-seller.md.
#pragma once
#include <memory>
#include <string>

#include "base/result.hpp"
#include "broker/fabric/model/fabric.hpp"
#include "broker/shell/drivers/driver.hpp"

namespace weft::broker {

struct OpenSmOptions {
  std::string folder;                 // absolute: partitions.conf and lfts.txt are written here
  std::int32_t pid = 0;               // of OpenSM; or
  std::string pid_file;               // which is read at each use
  std::string device;                 // for libibumad; empty: the first with an active port
  Duration settle_max = seconds(30);  // for the fabric to become what a reload should make it
  bool read_only = false;             // a dry mode: writes and signals nothing, reports differences
};

// Refused: more than one rail, LIDs that clash (fabric_plan); no port to ask through, or other
// nodes at the described places (fabric_unread). Does not need OpenSM to run.
Result<std::unique_ptr<Driver>> open_opensm(const fabric::Fabric& fabric, OpenSmOptions options);

// The files that OpenSM is started with where there are none: no slices, tables for all hosts.
// Leaves files that are there alone.
Result<void> prepare_opensm(const fabric::Rail& rail, const std::string& folder);

}  // namespace weft::broker
