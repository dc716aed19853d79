// What `weft up` started, as written in STATE/up.yaml (flat "name: value" lines; rewritten whole,
// by rename). Thread: any. Errors: state.dir with the file and what is wrong with it.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/money.hpp"
#include "client/cli/up/process.hpp"
#include "client/state_dir.hpp"

namespace weft::cli {

struct UpNode {
  std::string name;
  std::string network;  // namespace of its worker and ranks; empty: this machine's own
  std::string address;  // at which other nodes' ranks reach it
};

struct UpRecord {
  std::string tag;   // short name of this state directory, for namespaces and the run directory
  std::string run;   // directory of the broker's sockets
  std::string jobs;  // the jobs' own directories
  bool sockets_in_run = false;  // the workers' too: see new_record()
  bool namespaces = false;      // workers in network namespaces of their own; else on loopback
  std::vector<UpNode> nodes;
  std::string fabric, driver;  // file, and who programs it; empty: no fabric is known
  Process supervisor, broker;
  std::map<std::string, Process> workers;  // by node name
};

std::string up_path(const client::StateDir& state);
UpRecord new_record(const client::StateDir& state);
Result<std::optional<UpRecord>> read_record(const client::StateDir& state);
Result<void> write_record(const client::StateDir& state, const UpRecord& record);

// STATE/up.lock: held by `weft up` and then by its supervisor as long as it lives. -1: held by
// another.
Result<int> lock_state(const client::StateDir& state);

}  // namespace weft::cli
