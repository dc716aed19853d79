// weft-canary: every planted bug must be found by the simulation. For each number in
// docs/planted-bugs.md a child process runs seeds with that bug switched on until a promise breaks;
// the table says how many seeds it took and which promise. Exit 1 when one stays unfound.
#include <fmt/core.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/planted.hpp"
#include "tests/sim/run.hpp"

namespace {

using namespace weft;

struct Plant {
  int number = 0;
  std::string text;
};
struct Child {
  Plant plant;
  pid_t pid = -1;
  int read_end = -1;
  std::string said;
};

// The rows of the table: "| 7 | what is broken | ... |".
std::vector<Plant> read_list(const std::string& path) {
  std::vector<Plant> plants;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| ") || line.size() < 3 || line[2] < '0' || line[2] > '9') continue;
    const std::size_t bar = line.find('|', 2), end = line.find('|', bar + 1);
    if (end == std::string::npos) continue;
    plants.push_back({std::atoi(line.c_str() + 2), line.substr(bar + 2, end - bar - 3)});
  }
  return plants;
}

[[noreturn]] void search(int number, std::uint64_t seeds, int out) {
  plant_number = number;
  ::dup2(out, 1);
  ::dup2(out, 2);  // what an assertion says counts, too
  sim::name_seed_on_abort("weft-sim-planted");
  sim::Options options;
  options.to = seeds;
  options.program.clear();
  const sim::Outcome outcome = sim::run_seeds(options);
  if (!outcome.broken.empty()) {
    fmt::print("seed {}: {}\n", outcome.failed_seed, outcome.broken);
    std::fflush(stdout);
    ::_exit(1);
  }
  ::_exit(0);
}

Child begin(const Plant& plant, std::uint64_t seeds) {
  int ends[2];
  if (::pipe(ends) != 0) std::exit(125);
  std::fflush(stdout);
  Child child{plant, ::fork(), ends[0], {}};
  if (child.pid < 0) std::exit(125);
  if (child.pid == 0) {
    ::close(ends[0]);
    search(plant.number, seeds, ends[1]);
  }
  ::close(ends[1]);
  return child;
}

// The line that says what broke.
std::string finding(const std::string& said) {
  std::string text = said.substr(0, said.find('\n'));
  if (text.size() > 110) text.resize(110);
  return text;
}

bool finish(Child& child) {
  int status = 0;
  ::waitpid(child.pid, &status, 0);
  ::close(child.read_end);
  const bool found = !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  fmt::print("| {:>3} | {:<58} | {} |\n", child.plant.number, child.plant.text,
             found ? finding(child.said) : "NOT FOUND");
  std::fflush(stdout);
  return found;
}

int run(const std::vector<Plant>& plants, std::uint64_t seeds) {
  const unsigned at_once = std::max(1u, std::thread::hardware_concurrency());
  std::vector<Child> running;
  std::size_t next = 0, missed = 0;
  while (next < plants.size() || !running.empty()) {
    while (next < plants.size() && running.size() < at_once)
      running.push_back(begin(plants[next++], seeds));
    std::vector<pollfd> waits;
    for (const Child& child : running) waits.push_back({child.read_end, POLLIN, 0});
    ::poll(waits.data(), waits.size(), -1);
    for (std::size_t i = waits.size(); i-- > 0;) {
      if (waits[i].revents == 0) continue;
      char part[4'096];
      const ssize_t size = ::read(running[i].read_end, part, sizeof part);
      if (size > 0) {
        running[i].said.append(part, static_cast<std::size_t>(size));
        continue;
      }
      if (!finish(running[i])) ++missed;
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  return static_cast<int>(missed);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string list = std::string(WEFT_SOURCE_DIR) + "/docs/planted-bugs.md";
  std::vector<Plant> plants = read_list(list);
  const std::uint64_t seeds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 600;
  if (argc > 2)
    std::erase_if(plants, [&](const Plant& plant) { return plant.number != std::atoi(argv[2]); });
  if (plants.empty() || seeds == 0) {
    fmt::print(stderr, "usage: weft-canary [SEEDS [NUMBER]]; the numbers stand in {}\n", list);
    return 2;
  }
  fmt::print("| bug | what is broken | found at |\n|---|---|---|\n");
  const int missed = run(plants, seeds);
  if (missed == 0) return 0;
  fmt::print(stderr, "{} of {} planted bugs were not found within {} seeds: a check is missing\n",
             missed, plants.size(), seeds);
  return 1;
}
