// Other processes, by /proc. A pid alone names nobody for long: with its start time it does.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weft::worker {

struct ProcessFacts {
  pid_t parent = 0, session = 0;
  std::uint64_t started = 0;  // clock ticks since boot
  char state = '?';           // R S D T Z ...
};
std::optional<ProcessFacts> facts_of(pid_t pid);

// All descendants that `pid` has now. As the pid of a subreaper this is everything that it or its
// descendants ever forked and that still lives, whatever session or group it has moved to.
std::vector<pid_t> descendants_of(pid_t pid);

// Kills the process that has this pid and this start time, and nobody else.
void kill_exactly(pid_t pid, std::uint64_t started);

// Kills what is left of an attempt whose holder is gone: processes in the sessions of its ranks,
// and those that still carry its WEFT_ATTEMPT and WEFT_WORKER in their environment. True: found
// none.
bool kill_strays(const std::vector<pid_t>& sessions, const std::string& attempt,
                 const std::string& socket);

}  // namespace weft::worker
