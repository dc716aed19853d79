// Runs seeds: each one twice, with equal digests, and reports what broke in such a way that one
// command repeats it.
#pragma once
#include <string>
#include <vector>

#include "tests/sim/world.hpp"

namespace weft::sim {

struct Options {
  std::uint64_t from = 1, to = 1;  // seeds, both included
  Duration hostile;                // 0: drawn from the seed
  unsigned threads = 1;
  bool trace = false, once = false;  // once: do not run each seed twice
  std::string program = "weft-sim";  // how to call it again
};

struct Outcome {
  std::uint64_t seeds = 0, steps = 0, records = 0, crashes = 0;
  std::uint64_t failed_seed = 0;
  std::string broken;  // empty: every seed passed
  Coverage coverage;
};

// Stops at the first seed that fails, which is printed with the tail of its trace.
Outcome run_seeds(const Options& options);
// A failed assertion of ours ends the process; this makes it name the seed.
void name_seed_on_abort(const std::string& program);
void print_coverage(const Coverage& coverage);

}  // namespace weft::sim
