// A cgroup v2 per attempt, where the host allows one: kills whole trees at once and counts
// out-of-memory kills. Hosts without (no write access, version 1 only) get an empty path, and the
// holder then kills by process tree. On a hybrid host version 2 stands at /sys/fs/cgroup/unified.
#pragma once
#include <string>

#include "base/result.hpp"
#include "worker/shell/files.hpp"

namespace weft::worker {

// The folder for attempts' cgroups, made and with its controllers; empty if this host has none for
// us.
std::string cgroup_parent();
std::string make_cgroup(const std::string& parent, const std::string& name);
// A fork whose child is in the cgroup (empty path: in ours) from its first moment. Moving a process
// into one would take the kernel up to 12 ms each (measured). Returns as fork() does, with errno.
// Thread: only in a single-threaded process.
int fork_into(const std::string& path);
void kill_cgroup(const std::string& path);  // every process in it
void remove_cgroup(const std::string& path);
std::uint64_t out_of_memory_kills(const std::string& path);

}  // namespace weft::worker
