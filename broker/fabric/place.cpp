#include "broker/fabric/place.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "broker/fabric/place_on_fabric.hpp"

namespace weft::broker::fabric {
namespace {

bool notice_fits(const Request& request, const Candidate& c) {
  if (c.notice.ms == 0) return true;  // firm is better than any notice
  return request.notice.ms != 0 && c.notice >= request.notice;
}
bool window_fits(const Request& request, const Candidate& c, Instant at) {
  return c.until == never || at + request.term <= c.until;
}
bool price_fits(const Request& request, const Candidate& c) {
  return !request.price_max || c.price <= *request.price_max;
}
bool could_ever(const Request& request, const Candidate& c) {
  return c.gpus >= request.gpus_per_node && notice_fits(request, c) && price_fits(request, c);
}

// The first reason why this node cannot serve, counted; true if it can.
bool fits(const Request& request, const Candidate& c, Instant at, Rejection& r) {
  if (c.gpus < request.gpus_per_node) return ++r.gpus, false;
  if (!notice_fits(request, c)) return ++r.notice, false;
  if (!price_fits(request, c)) return ++r.price, false;
  if (!window_fits(request, c, std::max(at, c.free_at))) return ++r.window, false;
  if (c.free_at > at) return ++r.busy, false;
  return true;
}

// The reason that hides the most nodes among those whose relaxation would be needed first.
Code blocker_of(const Request& request, const Rejection& r) {
  const auto missing = request.nodes - r.fit;
  if (r.busy >= missing) return Code::place_nodes;
  if (r.price >= missing) return Code::place_price;
  if (r.notice >= missing) return Code::place_notice;
  if (r.window >= missing) return Code::place_window;
  if (r.gpus >= missing) return Code::place_class;
  return Code::place_nodes;
}

using Fitting = std::map<std::uint32_t, std::vector<const Candidate*>>;  // by owner

bool cheaper(const Candidate* a, const Candidate* b) {
  if (a->price != b->price) return a->price < b->price;
  if (a->units != b->units) return a->units < b->units;
  return a->node < b->node;
}

// The cheapest nodes of one owner, wherever they are.
Placement cheapest(std::vector<const Candidate*>& nodes, std::uint32_t wanted) {
  const auto last = nodes.begin() + static_cast<std::ptrdiff_t>(wanted) - 1;
  std::nth_element(nodes.begin(), last, nodes.end(), cheaper);
  return slice_of(std::span(nodes).first(wanted));
}

bool before(const Placement& a, const Placement& b) {
  return std::tuple(a.price, a.units, a.nodes.front()) <
         std::tuple(b.price, b.units, b.nodes.front());
}

Placing place_anywhere(const Request& request, Fitting& fitting) {
  Placing out;
  for (auto& [owner, nodes] : fitting) {
    if (nodes.size() < request.nodes) continue;
    Placement slice = cheapest(nodes, request.nodes);
    if (!out.placement || before(slice, *out.placement)) out.placement = std::move(slice);
  }
  return out;
}

}  // namespace

Placement slice_of(std::span<const Candidate* const> nodes) {
  Placement slice;
  slice.owner = nodes.front()->owner;
  slice.until = never;
  for (const Candidate* c : nodes) {
    slice.nodes.push_back(c->node);
    slice.units += c->units;
    slice.price = std::max(slice.price, c->price);
    slice.until = std::min(slice.until, c->until);
    if (c->notice.ms != 0 && (slice.notice.ms == 0 || c->notice < slice.notice))
      slice.notice = c->notice;
  }
  std::sort(slice.nodes.begin(), slice.nodes.end());
  return slice;
}

Placing place(const Request& request, std::span<const Candidate> candidates, const Site& site,
              Instant at) {
  Rejection rejection;
  Fitting fitting;
  for (const Candidate& c : candidates)
    if ((!site.rentable || c.place != nowhere) && fits(request, c, at, rejection))
      fitting[c.owner].push_back(&c);
  for (const auto& [owner, nodes] : fitting)
    rejection.fit = std::max(rejection.fit, static_cast<std::uint32_t>(nodes.size()));
  Placing out;
  if (rejection.fit < request.nodes)
    rejection.blocker = blocker_of(request, rejection);
  else if (!site.rentable)
    out = place_anywhere(request, fitting);
  else
    out = place_on_fabric(request, fitting, site, at, rejection);
  if (!out.placement) out.rejection = rejection;
  return out;
}

std::optional<Instant> earliest_start(const Request& request, std::span<const Candidate> candidates,
                                      const Site& site, Instant from) {
  if (site.rentable) return earliest_on_fabric(request, candidates, site, from);
  // A node serves from free_at to until - term: sweep over those ends, owner by owner.
  std::map<std::uint32_t, std::vector<std::pair<Instant, int>>> steps;
  for (const Candidate& c : candidates) {
    if (!could_ever(request, c)) continue;
    const Instant begin = std::max(from, c.free_at);
    if (!window_fits(request, c, begin)) continue;
    auto& mine = steps[c.owner];
    mine.emplace_back(begin, +1);
    if (c.until != never) mine.emplace_back(c.until - request.term + milliseconds(1), -1);
  }
  std::optional<Instant> best;
  for (auto& [owner, list] : steps) {
    std::sort(list.begin(), list.end());  // at one instant, -1 comes first
    std::int64_t serving = 0;
    for (const auto& [at, change] : list) {
      serving += change;
      if (change > 0 && serving >= request.nodes) {
        if (!best || at < *best) best = at;
        break;
      }
    }
  }
  return best;
}

std::uint32_t most_ever(const Request& request, std::span<const Candidate> candidates,
                        Instant from) {
  std::map<std::uint32_t, std::uint32_t> count;
  std::uint32_t most = 0;
  for (const Candidate& c : candidates)
    if (could_ever(request, c) && window_fits(request, c, std::max(from, c.free_at)))
      most = std::max(most, ++count[c.owner]);
  return most;
}

}  // namespace weft::broker::fabric
