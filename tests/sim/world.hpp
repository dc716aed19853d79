// A whole weft in one thread and simulated time: the real broker core in a simulated shell,
// workers, clients, the network between them, and the checks. Deterministic: one seed, one run.
// Owns: everything. Thread: one; several worlds may run in several threads.
#pragma once
#include <fmt/format.h>

#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "tests/sim/coverage.hpp"
#include "tests/sim/plan.hpp"

namespace weft::sim {

class Net;
class Shell;
class Worker;
class Client;
class Audit;
class Fabric;
class Watch;

// What happened: not told; its last 400 lines in the verdict; each line printed as it happens, so
// that a world that ends in an assertion tells it, too.
enum class Tracing : std::uint8_t { off, tail, live };

struct Verdict {
  std::string broken;        // the first invariant that broke, in words; empty: none
  std::uint64_t digest = 0;  // of everything that happened
  Coverage coverage;
  std::uint64_t steps = 0, records = 0, crashes = 0;
  std::vector<std::string> trace;  // its tail, when asked for
};

class World {
 public:
  World(const Plan& plan, Tracing tracing);
  ~World();
  Verdict run();

  // ---- for the actors
  [[nodiscard]] Instant now() const { return now_; }  // what an ideal clock would show
  [[nodiscard]] bool hostile() const { return now_ < hostile_until_; }
  void at(Duration delay, std::function<void()> action);
  void fail(const std::string& what);
  [[nodiscard]] bool failed() const { return !broken_.empty(); }
  void mix(std::uint64_t number) {
    digest_ = (digest_ ^ number) * 0x100000001b3ULL + (digest_ >> 29);
  }
  template <class... A>
  void trace(fmt::format_string<A...> form, A&&... a) {
    if (tracing_ != Tracing::off) note(fmt::format(form, std::forward<A>(a)...));
  }
  [[nodiscard]] bool traced() const { return tracing_ != Tracing::off; }

  Plan plan;
  Random random;
  Coverage coverage;
  std::unique_ptr<Watch> watch;
  std::unique_ptr<Audit> audit;
  std::unique_ptr<Net> net;
  std::unique_ptr<Shell> shell;
  std::unique_ptr<Fabric> fabric;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::unique_ptr<Client>> clients;

 private:
  struct Due {
    Instant at;
    std::uint64_t order;
    std::function<void()> action;
    bool operator<(const Due& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  void populate();
  void again(Duration every, std::function<void()> action);  // at random, until the calm
  void plan_faults();
  void run_until(Instant end);
  void come_to_rest();
  void note(std::string line);

  Instant now_{};
  Instant hostile_until_{};
  std::priority_queue<Due> due_;
  std::uint64_t order_ = 0, digest_ = 0xcbf29ce484222325ULL;
  std::string broken_;
  Tracing tracing_;
  std::deque<std::string> trace_;
};

}  // namespace weft::sim
