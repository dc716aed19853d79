// What the ranks of weft-test-stepper have written: readable while broker and workers are dead.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace weft::test {

class RankFiles {
 public:
  RankFiles(std::string directory, std::uint32_t ranks)
      : directory_(std::move(directory)), ranks_(ranks) {}

  const std::string& directory() const { return directory_; }
  std::int64_t steps(std::uint32_t rank) const;  // done so far
  std::int64_t least_steps() const;              // of the slowest rank
  std::vector<pid_t> pids() const;               // by rank; fails the test when one began twice
  pid_t pid(std::uint32_t rank) const;
  struct Failure {
    std::string code, node, detail;
    std::int64_t culprit = -1, at_ms = 0;
  };
  // Waits for it.
  Failure failure(std::uint32_t rank) const;

  void wait_for_step(std::int64_t step) const;  // of every rank
  // Waits until every rank has done that many more steps than now.
  void wait_for_more(std::int64_t steps) const { wait_for_step(least_steps() + steps); }
  void tell_to_stop() const;

 private:
  std::string path(std::uint32_t rank, const char* kind) const;
  std::string directory_;
  std::uint32_t ranks_;
};

}  // namespace weft::test
