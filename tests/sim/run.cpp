#include "tests/sim/run.hpp"

#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <thread>

namespace weft::sim {

namespace {

thread_local std::uint64_t seed_here = 0;
char call_again[256] = "weft-sim";

void aborted(int) {
  char line[400];
  const int size = std::snprintf(line, sizeof line,
                                 "seed %llu stopped on an assertion; repeat with: %s --seed %llu\n",
                                 static_cast<unsigned long long>(seed_here), call_again,
                                 static_cast<unsigned long long>(seed_here));
  if (size > 0 && ::write(2, line, static_cast<std::size_t>(size)) < 0) _exit(1);
  ::signal(SIGABRT, SIG_DFL);
  ::abort();
}

Verdict run_once(const Plan& plan, Tracing tracing) { return World(plan, tracing).run(); }

Verdict run_twice(const Options& options, std::uint64_t seed) {
  seed_here = seed;
  const Plan plan = make_plan(seed, options.hostile);
  Verdict first = run_once(plan, options.trace ? Tracing::live : Tracing::off);
  if (options.once || !first.broken.empty()) return first;
  const Verdict second = run_once(plan, Tracing::off);
  if (second.digest != first.digest || second.steps != first.steps)
    first.broken = "0: the same seed gave two different runs";
  return first;
}

void print_failure(const Options& options, std::uint64_t seed, const Verdict& verdict) {
  std::fflush(stdout);
  fmt::print(stderr, "seed {} broke a promise: {}\n", seed, verdict.broken);
  if (!options.trace) {
    const Verdict again = run_once(make_plan(seed, options.hostile), Tracing::tail);
    for (const std::string& line : again.trace) fmt::print(stderr, "  {}\n", line);
  }
  fmt::print(
      stderr, "seed {} broke a promise: {}\nrepeat with: {} --seed {}{}\n", seed, verdict.broken,
      options.program, seed,
      options.hostile.ms != 0 ? fmt::format(" --minutes {}", options.hostile.ms / 60'000) : "");
}

}  // namespace

void name_seed_on_abort(const std::string& program) {
  std::strncpy(call_again, program.c_str(), sizeof call_again - 1);
  ::signal(SIGABRT, aborted);
}

Outcome run_seeds(const Options& options) {
  Outcome outcome;
  std::mutex mutex;
  std::atomic<std::uint64_t> next{options.from};
  std::atomic<bool> stop{false};
  const auto work = [&] {
    while (!stop) {
      const std::uint64_t seed = next++;
      if (seed > options.to) return;
      const Verdict verdict = run_twice(options, seed);
      const std::lock_guard lock(mutex);
      ++outcome.seeds;
      outcome.steps += verdict.steps;
      outcome.records += verdict.records;
      outcome.crashes += verdict.crashes;
      outcome.coverage.add(verdict.coverage);
      if (verdict.broken.empty() || stop) continue;
      stop = true;
      outcome.failed_seed = seed;
      outcome.broken = verdict.broken;
      if (options.program.empty()) continue;
      print_failure(options, seed, verdict);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < options.threads; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return outcome;
}

void print_coverage(const Coverage& coverage) {
  for (std::size_t i = 0; i < branch_names.size(); ++i)
    fmt::print("{:>10}  {}\n", coverage.hits[i], branch_names[i]);
}

}  // namespace weft::sim
