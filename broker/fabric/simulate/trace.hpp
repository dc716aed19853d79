// Job traces for the simulation of allocators: what arrived when, how large, for how long.
// CSV, with this first line:  job,arrival_s,size,runtime_s
// The generated ones are defined to the bit (std::mt19937_64, own loops), so that figures can be
// compared with others': docs/specs/005-slices.md. Thread: any.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace weft::broker::fabric {

struct TraceJob {
  std::uint64_t job = 0;  // its name in the trace
  std::int64_t arrival_s = 0;
  std::uint32_t size = 0;  // hosts
  std::int64_t runtime_s = 0;
  bool operator==(const TraceJob&) const = default;
};
using Trace = std::vector<TraceJob>;

// Exponential sizes of the given mean, redrawn until 1..hosts; runtimes 20..2999 s; all arrive at
// 0.
Trace synth_trace(std::uint32_t mean, std::uint32_t jobs, std::uint64_t seed, std::uint32_t hosts);
// Sizes 1, 2, 4 .. hosts / 4 with weight size^-0.7, as AI clusters see them; runtimes and arrivals
// as above. hosts: at least 4.
Trace ai_trace(std::uint32_t jobs, std::uint64_t seed, std::uint32_t hosts);

std::string to_csv(const Trace& trace);
// Sorted by arrival, which keeps the order of equal ones. `name`: of the file, for errors, which
// are Code::spec_* with file:line. At most 10 million jobs.
Result<Trace> read_trace(std::string_view text, std::string_view name);

}  // namespace weft::broker::fabric
