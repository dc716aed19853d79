// The launch contract: the environment of a rank. Pure. What a script needs to find its peers
// (torch's six variables and torchrun's others), what weft's transport needs, and defaults that a
// job may overwrite; names that belong to the contract it may not (spec.reserved refuses them
// earlier).
#pragma once
#include <string>
#include <vector>

#include "schemas/worker.hpp"

namespace weft::worker {

struct Place {                // of this node and attempt
  std::string worker_socket;  // WEFT_WORKER
  std::string attempt_dir;    // notice and error files; the job's user may pass, not list
  std::string job_dir;        // the job's own directory, default of WEFT_CKPT_DIR
  std::string path, home;     // defaults of PATH and HOME
  std::string net_device;     // the interface that carries the node's address; empty: unknown
  bool rdma = false;          // there are InfiniBand devices
  std::uint32_t cores = 1;
};

// "NAME=value", sorted by name, each name once. local_rank: 0 .. ranks_per_node - 1.
std::vector<std::string> rank_environment(const Prepare& order, const Place& place,
                                          std::uint32_t local_rank);
// Without a rank: of the setup script.
std::vector<std::string> setup_environment(const Prepare& order, const Place& place);

// A port that no live attempt on this node has: outside the kernel's ephemeral range.
std::uint16_t master_port(AttemptId attempt);

}  // namespace weft::worker
