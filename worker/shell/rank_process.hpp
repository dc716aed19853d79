// The child's side of a launch: from fork to exec. Everything that can be known to fail is tried
// before Go, as the job's user, so that a gang that can't start is known before any of it has run.
// Thread: called in a freshly forked, single-threaded process; never returns.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/codes.hpp"
#include "worker/shell/options.hpp"

namespace weft::worker {

// One word through the report pipe; smaller than PIPE_BUF, so whole.
struct RankWord {
  enum class Kind : std::uint32_t { ready, unfit, exec_failed } kind{};
  std::uint32_t rank = 0;
  Code code{};
  char detail[400] = {};
};
static_assert(sizeof(RankWord) <= 512);

struct RankStart {
  std::uint32_t rank = 0;
  std::vector<std::string> argv, environment;
  std::string workdir;  // empty: the job's directory
  std::string job_dir;
  std::string node_name;
  bool trust_workdir = false;
  bool switch_user = false;
  uid_t user = 0;          // and group of the same number
  int out = -1, err = -1;  // log files
  int report = -1;         // RankWords go here
  int go = -1;             // a byte: exec; end of file: leave. -1: at once (setup)
  pid_t holder = 0;        // dies with it, if it has no cgroup or its keeper is gone
};

[[noreturn]] void run_rank(const RankStart& start);

}  // namespace weft::worker
