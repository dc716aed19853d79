// A cluster that lives through a trace: EASY backfill over one rail, with any allocation policy.
// (Lifka: The ANL/IBM SP Scheduling System, JSSPP 1995; estimates are exact.) At each event: start
// from the head until one does not fit; reserve for that one at the first end time that lets it in;
// let those behind it start if they end before, or leave the reserved hosts and links alone.
// Thread: one. Errors: a job larger than the fabric is counted, not run.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "broker/fabric/simulate/trace.hpp"
#include "broker/fabric/tree/allocator.hpp"

namespace weft::broker::fabric {

struct SimulationOptions {
  std::uint32_t lookahead = 50;  // places behind the head; 0: first in, first out
  // Above 0: where the head does not fit, running slices are given other places at a step boundary
  // (broker/fabric/heal/rehome.hpp) if that wins more host time than it costs. Each then stands
  // still for so long, and ends that much later.
  std::uint32_t rehome_pause_s = 0;
  Cut missing;                              // what no job may have: see unrentable() of the model
  std::function<std::uint64_t()> clock_ns;  // for decision times; none: they are not measured
  std::function<void(std::size_t started, std::size_t all)> progress;  // at each start
};

struct Latency {  // of decisions
  std::uint64_t count = 0;
  std::uint64_t p50_ns = 0, p99_ns = 0, max_ns = 0;
};

// What a decision ended with; the shapes of granted slices, and refusal.
inline constexpr std::size_t outcomes = 8;
inline constexpr std::array<const char*, outcomes> outcome_names{
    "leaf", "pod", "pods", "owned", "stubs", "stubs of pods", "any", "refused"};

struct SimulationReport {
  std::size_t jobs = 0, started = 0, never = 0;
  std::uint64_t moves = 0;  // of running slices, see rehome_pause_s
  double paused = 0;        // hosts that stood still for it: percent, a part of utilisation
  std::int64_t makespan_s = 0, first_wait_s = 0, last_start_s = 0;
  // Percent of all that is not missing, as time averages between the first wait and the last start.
  double utilisation = 0;     // hosts asked for
  double internal_waste = 0;  // hosts allocated beyond
  double leaf_links = 0, spine_links = 0;
  // Means of samples in that time: percent of the hosts that are free.
  double largest_rentable = 0, stranded = 0;
  std::array<std::uint64_t, refusals> refused{};  // the head of the queue, by why it had to wait
  std::array<Latency, outcomes> latency{};
  std::uint64_t shared_hosts = 0, shared_links = 0;
  std::vector<std::string> illegal;  // slices that the referee rejects; at most 10
};

SimulationReport simulate(const Tree& tree, const Trace& trace, Policy policy,
                          const SimulationOptions& options = {});

}  // namespace weft::broker::fabric
