#include "broker/jobs/backfill.hpp"

#include <algorithm>

namespace weft::broker::jobs {
namespace {

bool delays(const Head& head, const fabric::Placement& placement, Instant until,
            const std::vector<fabric::Candidate>& fleet, const fabric::Site& site, Instant now) {
  if (until <= head.at) return false;
  const auto then = fabric::earliest_start(head.request, with_held(fleet, placement, until),
                                           with_held(site, placement, until), now);
  return !then || *then > head.at;
}

}  // namespace

std::vector<fabric::Candidate> with_held(std::vector<fabric::Candidate> fleet,
                                         const fabric::Placement& placement, Instant until) {
  for (fabric::Candidate& c : fleet)
    if (std::binary_search(placement.nodes.begin(), placement.nodes.end(), c.node))
      c.free_at = std::max(c.free_at, until);
  return fleet;
}

fabric::Site with_held(fabric::Site site, const fabric::Placement& placement, Instant until) {
  if (site.rentable) site.held.push_back({placement.cut, until});
  return site;
}

std::optional<fabric::Placement> backfill(const fabric::Request& request, const Head& head,
                                          const std::vector<fabric::Candidate>& free,
                                          const std::vector<fabric::Candidate>& fleet,
                                          const fabric::Site& site, Instant now) {
  if (free.size() < request.nodes) return {};
  auto placed = fabric::place(request, free, site, now).placement;
  if (!placed) return {};
  const Instant until = now + limits::prepare_time_max + request.term;
  if (!delays(head, *placed, until, fleet, site, now)) return placed;
  // The cheapest nodes are the head's too: try those that it can do without.
  std::vector<fabric::Candidate> at_head;
  for (const auto& c : fleet)
    if (c.free_at <= head.at) at_head.push_back(c);
  const auto plan = fabric::place(head.request, at_head, site, head.at).placement;
  if (!plan) return {};
  std::vector<fabric::Candidate> rest;
  for (const auto& c : free)
    if (!std::binary_search(plan->nodes.begin(), plan->nodes.end(), c.node)) rest.push_back(c);
  placed = fabric::place(request, rest, with_held(site, *plan, never), now).placement;
  if (placed && !delays(head, *placed, until, fleet, site, now)) return placed;
  return {};
}

}  // namespace weft::broker::jobs
