// Whether the fabric does what was asked for: one pure function for all drivers, over what a driver
// has read back from the fabric itself. Shares no code with the allocator or with Routes.
// Thread: any. Errors: none; what differs is the result.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "broker/fabric/routes/routes.hpp"

namespace weft::broker::fabric {

inline constexpr std::size_t differences_max = 100;  // in a report; the rest is counted

struct Difference {
  std::uint64_t slice = 0;  // which slice it touches; 0: none in particular
  std::string what;         // with switch, port, destination by name
  bool operator==(const Difference&) const = default;
};

// What a driver observed on one rail. Called for the slices' own leaves, pairs and negative probes
// only, so a driver may read lazily; a Result it could not get is a Difference of its own.
struct Observed {
  std::function<Hop(At at, std::uint32_t host)> next;  // as the switch forwards now
  // May `from` send to `to` at all (a key in common that one of them is full member of, a route
  // that is not unreachable)?
  std::function<bool(std::uint32_t from, std::uint32_t to)> admitted;
  std::function<std::string(At at)> name;
  std::function<std::string(std::uint32_t host)> host_name;
  // In place of `next`, where a switch's answer also depends on who sends and on the port where the
  // packet comes in (way and place as seen from that switch).
  std::function<Hop(At at, Hop in, std::uint32_t from, std::uint32_t to)> next_from = {};
};

struct VerifyReport {
  std::uint64_t pairs = 0;              // inside slices, walked
  std::uint64_t negative_probes = 0;    // between slices
  std::vector<Difference> differences;  // at most limits; see more_differences
  std::uint64_t more_differences = 0;
};

// Checks `wanted` (positions in `slices`) against all `slices`: hosts and links disjoint, every
// ordered pair inside walks from leaf to host over owned links only, at most 5 switches, up then
// down, admitted; no admission between a host of it on each leaf and one host on each leaf of every
// other slice, either way.
VerifyReport verify(const Tree& tree, std::span<const Placed> slices,
                    std::span<const std::size_t> wanted, const Observed& observed);

}  // namespace weft::broker::fabric
