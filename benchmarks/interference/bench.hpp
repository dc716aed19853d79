// The cases of `./dev bench interference` on one simulated fabric: 4 leaves of 2 hosts and 2 slow
// uplinks. The victim has h0 h3 h4 h7, the neighbour h1 h2 h5 h6: as slices, each has one uplink of
// every leaf for itself; shared, both go by destination over both, as in most clusters.
// Thread: one. Needs root. The destructor removes the fabric and ends all processes.
#pragma once
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/shell/drivers/linux/driver.hpp"

namespace weft::bench {

struct Flags {
  int rounds = 5, times = 4;
  std::uint64_t megabits = 50, bytes = 4 << 20;
  std::string out = "build/bench";
};

enum class Case { alone, shared_alone, shared, slices };
inline constexpr Case cases[] = {Case::alone, Case::shared_alone, Case::shared, Case::slices};
const char* name_of(Case which);

using LinkCounts = std::vector<broker::netns::LinkCount>;

struct Run {
  std::vector<double> us;  // of every all-reduce
  LinkCounts links;        // bytes during the run
};

class Bench {
 public:
  static Result<std::unique_ptr<Bench>> open(const Flags& flags);
  ~Bench();

  Result<Run> run(Case which);
  // Only the neighbour floods, for a second: what it puts on every link.
  Result<LinkCounts> neighbour_only(bool shared);
  // The owner of a link when there are slices: 1 the victim, 2 the neighbour.
  static int owner(const broker::netns::LinkCount& link);

 private:
  explicit Bench(const Flags& flags);
  Result<void> program(bool shared);
  Result<void> start_noise();
  void stop_noise();
  Result<LinkCounts> count();
  Result<void> settle();
  std::string address(std::uint32_t host) const;

  const Flags flags_;
  const std::string tag_;
  broker::fabric::Fabric fabric_;
  std::unique_ptr<broker::Driver> driver_;
  std::vector<pid_t> noise_;
  bool shared_ = false, programmed_ = false;
};

}  // namespace weft::bench
