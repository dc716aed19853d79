// What a simulation measures, as it goes. Thread: one.
#pragma once
#include <vector>

#include "broker/fabric/simulate/simulate.hpp"

namespace weft::broker::fabric {

class Meter {
 public:
  Meter(const Tree& tree, const Cut& missing)
      : hosts_(tree.hosts() - missing.hosts()),
        leaf_links_(tree.leaves() * tree.l2_per_pod - missing.leaf_links()),
        spine_links_(tree.l2() * tree.spines_per_l2 - missing.spine_links()) {}
  void at(std::int64_t now, bool waiting);  // after all that happens at this time
  void add(std::int64_t now, const Cut& cut, int sign);
  void started(std::int64_t now);
  void refused(Refusal why) { ++out_.refused[static_cast<std::size_t>(why)]; }
  void decided(std::size_t outcome, std::uint64_t ns) { times_[outcome].push_back(ns); }
  void sample(Allocator& allocator, const Masks& masks);  // costly: does so now and then
  SimulationReport report();

 private:
  struct Sums {  // of hosts and links times seconds
    std::int64_t asked = 0, hosts = 0, leaf_links = 0, spine_links = 0;
  };
  void advance(std::int64_t now);

  std::uint32_t hosts_, leaf_links_, spine_links_;  // of the fabric
  SimulationReport out_;
  std::int64_t now_ = 0;
  bool waited_ = false;
  Sums rate_, sum_, at_first_wait_, at_last_start_;
  std::array<std::vector<std::uint64_t>, outcomes> times_;
  std::uint64_t refusals_ = 0, samples_ = 0;
  double largest_ = 0, stranded_ = 0;
};

}  // namespace weft::broker::fabric
