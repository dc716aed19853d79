// weft-test-stepper: a rank that steps through small all-reduces, checks every sum and writes what
// happens into files of a shared directory, so that a test sees it while broker and worker are
// dead:
//   DIR/rank-R.pid      its process
//   DIR/rank-R.steps    a line "STEP MS" for every step done (MS: CLOCK_MONOTONIC)
//   DIR/rank-R.failed   "CODE|CULPRIT RANK|NODE|MS|detail" when an operation failed
// usage: weft-test-stepper DIR STEPS PACE_MS [RANK STEP exit0|exit7|wait]
//   STEPS 0: until DIR/stop exists. The last three: what one rank does instead of its STEP-th step.
// Exit: 0 all steps done; 7 as told; 8 a wrong sum; 9 the mesh failed; 2 usage.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "transport/mesh.hpp"

namespace {

using namespace weft;

struct Options {
  std::string directory, act;
  std::int64_t steps = 0, pace_ms = 0, act_rank = -1, act_step = -1;
};

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void append(const Options& options, std::uint32_t rank, const char* kind, const std::string& text) {
  const std::string path = fmt::format("{}/rank-{}.{}", options.directory, rank, kind);
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0 || write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    std::perror(path.c_str());
  if (file >= 0) close(file);
}

int broken(const Options& options, const Mesh& mesh, const Error& error) {
  const Blame blame = mesh.last_failure();
  append(options, mesh.rank(), "failed",
         fmt::format("{}|{}|{}|{}|{}\n", to_string(error.code), blame.rank, blame.node_name,
                     now_ms(), error.detail));
  return 9;
}

// What the chosen rank does instead of its step; returns when it goes on.
void act(const Options& options, const Mesh& mesh, std::int64_t step) {
  if (step != options.act_step || mesh.rank() != options.act_rank) return;
  fmt::print(stderr, "rank {} is about to do {} at step {}\n", mesh.rank(), options.act, step);
  std::fflush(stderr);
  if (options.act == "exit0") _exit(0);
  if (options.act == "exit7") _exit(7);
  for (;;) pause();  // wait: to be killed
}

// values[0]: does a rank want to stop; values[1]: the sum that is checked.
int step_on(const Options& options, Mesh& mesh) {
  const auto size = static_cast<std::int64_t>(mesh.size()),
             rank = static_cast<std::int64_t>(mesh.rank());
  const std::string stop = options.directory + "/stop";
  for (std::int64_t step = 1;; ++step) {
    act(options, mesh, step);
    std::int64_t values[2] = {options.steps == 0 && access(stop.c_str(), F_OK) == 0, rank + step};
    if (auto done = mesh.all_reduce(values, values, 2, DataType::i64, ReduceOp::sum); !done)
      return broken(options, mesh, done.error());
    if (values[1] != size * step + size * (size - 1) / 2) {
      fmt::print(stderr, "rank {} step {}: the sum is {}\n", rank, step, values[1]);
      return 8;
    }
    append(options, mesh.rank(), "steps", fmt::format("{} {}\n", step, now_ms()));
    mesh.report_progress(static_cast<std::uint64_t>(step), "stepping");
    if (values[0] != 0 || step == options.steps) return 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(options.pace_ms));
  }
}

int run(const Options& options) {
  auto mesh = Mesh::join();
  if (!mesh) {
    fmt::print(stderr, "join: {}\n", to_string(mesh.error()));
    return 9;
  }
  append(options, (*mesh)->rank(), "pid", fmt::format("{}\n", getpid()));
  const int code = step_on(options, **mesh);
  if (code != 0) return code;
  if (auto left = (*mesh)->leave(); !left) return broken(options, **mesh, left.error());
  fmt::print("rank {} is done\n", (*mesh)->rank());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 7) {
    fmt::print(stderr, "usage: weft-test-stepper DIR STEPS PACE_MS [RANK STEP exit0|exit7|wait]\n");
    return 2;
  }
  Options options;
  options.directory = argv[1];
  options.steps = std::atoll(argv[2]);
  options.pace_ms = std::atoll(argv[3]);
  if (argc == 7) {
    options.act_rank = std::atoll(argv[4]);
    options.act_step = std::atoll(argv[5]);
    options.act = argv[6];
  }
  return run(options);
}
