// What a simulation measures, as it goes. Thread: one.
#pragma once
#include <vector>

#include "broker/fabric/simulate/simulate.hpp"

namespace weft::broker::fabric {

class Meter {
 public:
  explicit Meter(const Tree& tree) : tree_(tree) {}
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

  Tree tree_;
  SimulationReport out_;
  std::int64_t now_ = 0;
  bool waited_ = false;
  Sums rate_, sum_, at_first_wait_, at_last_start_;
  std::array<std::vector<std::uint64_t>, outcomes> times_;
  std::uint64_t refusals_ = 0, samples_ = 0;
  double largest_ = 0, stranded_ = 0;
};

}  // namespace weft::broker::fabric
