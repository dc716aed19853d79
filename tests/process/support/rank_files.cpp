#include "tests/process/support/rank_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/support/wait.hpp"

namespace weft::test {
namespace {

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::string RankFiles::path(std::uint32_t rank, const char* kind) const {
  return fmt::format("{}/rank-{}.{}", directory_, rank, kind);
}

std::int64_t RankFiles::steps(std::uint32_t rank) const {
  std::ifstream in(path(rank, "steps"), std::ios::ate);
  if (!in) return 0;
  const auto end = static_cast<std::int64_t>(in.tellg());
  in.seekg(std::max<std::int64_t>(0, end - 128));  // a line is much shorter
  std::int64_t last = 0;
  std::string line;
  if (end > 128) std::getline(in, line);
  while (std::getline(in, line) && !in.eof()) last = std::atoll(line.c_str());
  return last;
}

std::int64_t RankFiles::least_steps() const {
  std::int64_t least = INT64_MAX;
  for (std::uint32_t rank = 0; rank < ranks_; ++rank) least = std::min(least, steps(rank));
  return least;
}

pid_t RankFiles::pid(std::uint32_t rank) const {
  const auto lines = lines_of(path(rank, "pid"));
  EXPECT_EQ(lines.size(), 1U) << "starts of rank " << rank;
  return lines.empty() ? 0 : static_cast<pid_t>(std::atoi(lines.back().c_str()));
}

std::vector<pid_t> RankFiles::pids() const {
  std::vector<pid_t> found;
  for (std::uint32_t rank = 0; rank < ranks_; ++rank) found.push_back(pid(rank));
  return found;
}

RankFiles::Failure RankFiles::failure(std::uint32_t rank) const {
  const std::string file = path(rank, "failed");
  wait_until(fmt::format("rank {}'s operation has failed", rank),
             [&] { return !lines_of(file).empty(); });
  const auto lines = lines_of(file);
  Failure failure;
  if (lines.empty()) return failure;
  std::istringstream fields(lines.front());
  std::string culprit, at;
  std::getline(fields, failure.code, '|');
  std::getline(fields, culprit, '|');
  std::getline(fields, failure.node, '|');
  std::getline(fields, at, '|');
  std::getline(fields, failure.detail);
  failure.culprit = std::atoll(culprit.c_str());
  failure.at_ms = std::atoll(at.c_str());
  return failure;
}

void RankFiles::wait_for_step(std::int64_t step) const {
  wait_until(fmt::format("every rank has done step {}", step),
             [&] { return least_steps() >= step; });
}

void RankFiles::tell_to_stop() const { std::ofstream(directory_ + "/stop"); }

}  // namespace weft::test
