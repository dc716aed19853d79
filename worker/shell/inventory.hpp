// What this node has: cores and memory (hwloc), network devices, GPUs (NVML when it is there).
#pragma once
#include "schemas/state.hpp"
#include "worker/shell/options.hpp"

namespace weft::worker {

Inventory take_inventory(const Options& options);
// GPU model names, by libnvidia-ml.so.1 loaded at run time; empty without it.
std::vector<std::string> gpu_models();

// The local address from which `endpoint` (tcp://HOST:PORT) is reached; empty if it can't be told.
std::string address_towards(const std::string& endpoint);
// The interface that carries the address; empty: none.
std::string device_of(const std::string& address);
bool has_rdma();

}  // namespace weft::worker
