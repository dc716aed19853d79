// Processes of `weft up`: started, named by pid and start time (a pid alone may have been given to
// a stranger since), looked at and stopped. Thread: one (spawn() may visit a network namespace).
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace weft::cli {

struct Process {
  pid_t pid = 0;
  std::uint64_t started = 0;  // clock ticks after boot, from /proc/PID/stat; 0: unknown
  bool operator==(const Process&) const = default;
};

struct Spawn {
  std::vector<std::string> arguments;  // [0]: path of the program
  std::string output;                  // file that standard output and error are appended to
  std::string network;                 // name of a network namespace; empty: ours
  int input = -1;                      // its standard input; -1: /dev/null
  int keep = -1;                       // one more descriptor that it inherits, as number 3
  bool own_session = false;
};
Result<Process> spawn(const Spawn& what);
// Runs a program to its end; what it wrote to standard error is the detail of os.error when it
// fails.
Result<std::string> run_program(const std::vector<std::string>& arguments,
                                const std::string& input = {});

// A program that lies beside this one; state.dir-like errors name the path that was tried.
Result<std::string> sibling_program(const std::string& name);

Process identify(pid_t pid);         // pid 0 when there is no such process
bool alive(const Process& process);  // false for a zombie
void send_signal(const Process& process, int signal);
// TERM, wait, KILL, wait. True when it was there and is gone.
bool stop(const Process& process, Duration patience);
bool wait_gone(const Process& process, Duration patience);

// Every live process for which the path of its command line or environment says that it belongs to
// the state directory: weft-broker and weft-worker with `--state` in it, ranks by WEFT_WORKER.
struct Found {
  std::vector<Process> daemons, ranks;
};
Found find_processes(const std::string& state_root, const std::string& run,
                     const std::vector<std::string>& networks);

}  // namespace weft::cli
