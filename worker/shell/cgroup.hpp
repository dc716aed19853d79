// A cgroup v2 per attempt, where the host allows one: kills whole trees at once and counts
// out-of-memory kills. Hosts without (no write access, version 1 only) get an empty path, and the
// holder then kills by process tree. On a hybrid host version 2 stands at /sys/fs/cgroup/unified.
#pragma once
#include <string>

#include "base/result.hpp"
#include "worker/shell/files.hpp"

namespace weft::worker {

// PARENT/name, made if need be; empty if this host gives us none. `name` belongs to one attempt.
std::string make_cgroup(const std::string& name);
Fd cgroup_procs(const std::string& path);   // a process that writes "0" there enters it
void kill_cgroup(const std::string& path);  // every process in it
void remove_cgroup(const std::string& path);
std::uint64_t out_of_memory_kills(const std::string& path);

}  // namespace weft::worker
