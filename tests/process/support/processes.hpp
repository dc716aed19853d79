// Processes as the kernel shows them: found by what they were started with, so that a test does not
// have to trust what weft writes about itself. Thread: any.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace weft::test {

struct Seen {
  pid_t pid = 0, parent = 0;
  uid_t user = 0;
  std::uint64_t started = 0;  // clock ticks since boot: pid and this name a process for certain
  std::string name;           // as the kernel has it: a forked helper may call itself otherwise
  std::vector<std::string> arguments;
  std::string program() const;  // file name of the first argument
};

// Alive (no zombies), of this machine's pid namespace.
std::vector<Seen> all_processes();
// Those whose arguments or environment name a path inside `directory`, and their descendants; but
// not the programs that this test runs itself.
std::vector<Seen> processes_inside(const std::string& directory);
bool alive(pid_t pid);  // false for a zombie
// Kills and waits until the kernel has taken it away.
void kill_now(pid_t pid);
std::string describe(const std::vector<Seen>& processes);

}  // namespace weft::test
