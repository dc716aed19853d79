// What a rank is told by its environment (docs/specs/rank-protocol.md lists the variables).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"

namespace weft::transport {

struct Launch {
  std::uint32_t rank = 0, size = 1, local_size = 1, generation = 1;
  AttemptId attempt;
  std::string worker_socket;           // empty: no worker, one rank
  std::vector<std::string> nodes;      // name of each node; ranks are spread evenly, in order
  std::vector<std::string> addresses;  // of each node; "" where it was not told

  // Name of the node that `rank` runs on; empty when it was not told.
  [[nodiscard]] std::string node_of(std::uint32_t of_rank) const;
  [[nodiscard]] std::string address_of(std::uint32_t of_rank) const;
};

using Lookup = const char* (*)(const char* name);  // std::getenv, or a test's
// Errors: mesh.rendezvous, naming the variable and what would be right.
Result<Launch> read_launch(Lookup lookup);

// Where this process runs: two processes share memory only when all of it is equal.
struct Place {
  std::uint64_t host = 0;        // of the running kernel (its boot id)
  std::uint64_t namespaces = 0;  // network, IPC and PID namespaces
  bool operator==(const Place&) const = default;
};
Place place_of_this_process();
// Name of the network interface that has this address; empty when none has.
std::string interface_with(const std::string& address);
// Processors that this process may use: affinity mask and cgroup quota, at least 1.
unsigned usable_processors();

}  // namespace weft::transport
