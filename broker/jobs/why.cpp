#include "broker/jobs/why.hpp"

#include "broker/jobs/fix_together.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace weft::broker::jobs {
namespace {

using fabric::Request;

bool starts(const Situation& s, const Request& request) {
  return try_start(s, request).blocker == Code::none;
}

std::string then_now(const Situation& s, const Request& request) {
  const auto start = try_start(s, request);
  return fmt::format(
      "starts now at ${} per unit-hour, at most ${} in all", to_string(start.placement->price),
      to_string(cost_ceil(start.placement->price, start.placement->units, request.term)));
}

// The largest value in [low, high] for which `works` holds, given that smaller values work too.
template <class F>
std::optional<std::int64_t> largest(std::int64_t low, std::int64_t high, F works) {
  if (low > high || !works(low)) return {};
  while (low < high) {
    const std::int64_t middle = low + (high - low + 1) / 2;
    if (works(middle))
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

void fix_nodes(const Situation& s, Explanation& out) {
  Request r = s.request;
  const auto n = largest(1, std::int64_t{r.nodes} - 1, [&](std::int64_t nodes) {
    r.nodes = static_cast<std::uint32_t>(nodes);
    return starts(s, r);
  });
  if (!n) return;
  r.nodes = static_cast<std::uint32_t>(*n);
  out.fixes.push_back({fmt::format("nodes: {}", *n), then_now(s, r)});
}

void fix_price(const Situation& s, Explanation& out) {
  if (!s.request.price_max) return;
  std::set<Price> prices;  // the cap that works is some node's price
  for (const auto& c : s.free)
    if (c.price > *s.request.price_max) prices.insert(c.price);
  const std::vector<Price> list(prices.begin(), prices.end());
  Request r = s.request;
  const auto cheaper =
      largest(0, static_cast<std::int64_t>(list.size()) - 1, [&](std::int64_t back) {
        r.price_max = list[list.size() - 1 - static_cast<std::size_t>(back)];
        return starts(s, r);
      });
  if (!cheaper) return;
  r.price_max = list[list.size() - 1 - static_cast<std::size_t>(*cheaper)];
  out.fixes.push_back({fmt::format("max_price: {}", to_string(*r.price_max)), then_now(s, r)});
}

void fix_notice(const Situation& s, Explanation& out) {
  std::set<Duration> notices;  // the longest that owners offer disturbs least
  for (const auto& c : s.free)
    if (c.notice.ms != 0 && (s.request.notice.ms == 0 || c.notice < s.request.notice))
      notices.insert(c.notice);
  const std::vector<Duration> list(notices.begin(), notices.end());
  Request r = s.request;
  const auto longest = largest(0, static_cast<std::int64_t>(list.size()) - 1, [&](std::int64_t i) {
    r.notice = list[static_cast<std::size_t>(i)];
    return starts(s, r);
  });
  if (!longest) return;
  r.notice = list[static_cast<std::size_t>(*longest)];
  out.fixes.push_back({fmt::format("notice: {}", to_string(r.notice)), then_now(s, r)});
}

void fix_time(const Situation& s, Explanation& out) {
  Request r = s.request;
  const auto minutes_left =
      largest(limits::job_time_min.ms / 60'000, r.term.ms / 60'000 - 1, [&](std::int64_t m) {
        r.term = minutes(m);
        return starts(s, r);
      });
  if (!minutes_left) return;
  r.term = minutes(*minutes_left);
  out.fixes.push_back({fmt::format("time: {}", to_string(r.term)), then_now(s, r)});
}

void fix_class(const Situation& s, Explanation& out) {
  Request r = s.request;
  const auto n = largest(0, std::int64_t{r.gpus_per_node} - 1, [&](std::int64_t gpus) {
    r.gpus_per_node = static_cast<std::uint32_t>(gpus);
    return starts(s, r);
  });
  if (!n) return;
  r.gpus_per_node = static_cast<std::uint32_t>(*n);
  out.fixes.push_back({fmt::format("gpus_per_node: {}", *n), then_now(s, r)});
}

// A wider shape, and links that others may use too.
void fix_slice(const Situation& s, Explanation& out) {
  Request r = s.request;
  for (const SliceWithin within : {SliceWithin::block, SliceWithin::any}) {
    if (r.within == SliceWithin::any || within >= s.request.within) continue;
    r.within = within;
    if (!starts(s, r)) continue;
    out.fixes.push_back({fmt::format("within: {}", to_string(within)), then_now(s, r)});
    return;
  }
  r = s.request;
  if (r.exclusive == SliceExclusive::switches) {
    r.exclusive = SliceExclusive::links;
    if (starts(s, r)) {
      out.fixes.push_back({"exclusive: links", then_now(s, r)});
      return;
    }
  }
  if (!s.site.rentable || r.exclusive == SliceExclusive::none) return;
  r = s.request;
  r.exclusive = SliceExclusive::none;
  if (starts(s, r))
    out.fixes.push_back({"exclusive: none", then_now(s, r) + ", on links that others use too"});
}

void fix_funds(const Situation& s, const Start& start, Explanation& out) {
  const auto& p = *start.placement;
  const Money cost = cost_ceil(p.price, p.units, s.request.term);
  if (start.blocker == Code::money_insufficient && (!s.cap_left || cost <= *s.cap_left))
    out.fixes.push_back({fmt::format("deposit: {}", to_string(cost - s.cash)),
                         fmt::format("starts now at ${} per unit-hour", to_string(p.price))});
  if (start.blocker == Code::place_price && s.cap_left && cost <= s.cash)
    out.fixes.push_back({fmt::format("cost_cap: {} more", to_string(cost - *s.cap_left)),
                         fmt::format("starts now at ${} per unit-hour", to_string(p.price))});
}

void fix_wait(const Situation& s, Explanation& out) {
  std::vector<fabric::Candidate> fleet = s.fleet;
  fabric::Site site = s.site;
  if (s.ahead) {  // after the head has had its turn
    const auto plan = fabric::place(s.ahead->request, fleet, site, s.ahead->at).placement;
    const Instant until = s.ahead->at + s.ahead->request.term;
    if (plan) {
      fleet = with_held(std::move(fleet), *plan, until);
      site = with_held(std::move(site), *plan, until);
    }
  }
  const auto at = fabric::earliest_start(s.request, fleet, site, s.now);
  if (at && *at > s.now)
    out.fixes.push_back(
        {fmt::format("wait: {}", to_string(*at - s.now)),
         fmt::format("can start at {} at the latest, unless nodes are lost", to_string(*at))});
}

// Would it start if this one constraint were not there?
bool blocks(const Situation& s, Code constraint) {
  Request r = s.request;
  switch (constraint) {
    case Code::place_price: r.price_max.reset(); break;
    case Code::place_notice: r.notice = limits::notice_min; break;
    case Code::place_window: r.term = milliseconds(1); break;
    case Code::place_class: r.gpus_per_node = 0; break;
    case Code::place_shape:
      r.within = {};
      r.exclusive = {};
      break;
    case Code::place_links: r.exclusive = SliceExclusive::none; break;
    default: return false;
  }
  Situation rich = s;  // money and the queue are other constraints
  rich.ahead.reset();
  rich.cash = limits::money_max;
  rich.cap_left.reset();
  return starts(rich, r) && !starts(rich, s.request);
}

// "4 on leaf 0, 2 on leaf 1": where the free nodes are that the request could have.
std::string where_free(const Situation& s) {
  const fabric::Tree& t = s.site.rentable->tree();
  std::map<std::uint32_t, std::uint32_t> on;
  for (const auto& c : s.free)
    if (c.place != fabric::nowhere) ++on[c.place / t.hosts_per_leaf];
  std::string out;
  std::size_t named = 0;
  for (const auto& [leaf, nodes] : on) {
    if (++named > 8) return out + ", ...";
    out += fmt::format("{}{} on leaf {}", out.empty() ? "" : ", ", nodes, leaf);
  }
  return out;
}

std::string links_summary(const Situation& s, const Start& start) {
  const char* what = start.blocker == Code::place_shape
                         ? "in no shape whose links could be its own"
                         : "but uplinks between them belong to other slices";
  const bool many = start.rejection.links == fabric::Refusal::search_limit;
  return fmt::format("{} nodes are free and fit ({}), {}{}; {} are asked for{}",
                     start.rejection.fit, where_free(s), what,
                     many ? " (the search was cut off)" : "", s.request.nodes,
                     s.request.within == SliceWithin::any
                         ? std::string()
                         : fmt::format(" within one {}", to_string(s.request.within)));
}

std::string summary(const Situation& s, const Start& start) {
  const Request& r = s.request;
  switch (start.blocker) {
    case Code::none: return "nothing stands in its way: it starts at the next look at the queue";
    case Code::money_insufficient: {
      const auto& p = *start.placement;
      return fmt::format("the term costs up to ${} and the account has ${}",
                         to_string(cost_ceil(p.price, p.units, r.term)), to_string(s.cash));
    }
    case Code::place_ahead:
      return fmt::format("it would delay job {}, which stands before it and can start at {}",
                         s.ahead_job.value, to_string(s.ahead->at));
    case Code::place_price:
      if (start.placement)
        return fmt::format(
            "the term costs up to ${}, more than its cost cap has left (${})",
            to_string(cost_ceil(start.placement->price, start.placement->units, r.term)),
            to_string(*s.cap_left));
      return fmt::format("{} nodes fit below its price cap of ${} per unit-hour; {} are asked for",
                         start.rejection.fit, to_string(*r.price_max), r.nodes);
    case Code::place_notice:
      return fmt::format("{} free nodes give the notice that is asked for ({}); {} are asked for",
                         start.rejection.fit,
                         r.notice.ms == 0 ? "never: a firm lease" : to_string(r.notice), r.nodes);
    case Code::place_window:
      return fmt::format("{} free nodes are offered for the next {}; {} are asked for",
                         start.rejection.fit, to_string(r.term), r.nodes);
    case Code::place_class:
      return fmt::format("{} free nodes have {} GPUs; {} are asked for", start.rejection.fit,
                         r.gpus_per_node, r.nodes);
    case Code::place_shape:
    case Code::place_links: return links_summary(s, start);
    default:
      if (s.fleet.empty()) return "no node is offered at all";
      return fmt::format("{} of {} offered nodes are free and fit; {} of one owner are asked for",
                         start.rejection.fit, s.fleet.size(), r.nodes);
  }
}

}  // namespace

Start try_start(const Situation& s, const Request& request) {
  Start out;
  const auto placed = fabric::place(request, s.free, s.site, s.now);
  out.rejection = placed.rejection;
  if (!placed.placement) {
    out.blocker = placed.rejection.blocker;
    return out;
  }
  out.placement = placed.placement;
  if (s.ahead) {
    out.placement = backfill(request, *s.ahead, s.free, s.fleet, s.site, s.now);
    if (!out.placement) {
      out.blocker = Code::place_ahead;
      return out;
    }
  }
  const Money cost = cost_ceil(out.placement->price, out.placement->units, request.term);
  if (s.cap_left && cost > *s.cap_left)
    out.blocker = Code::place_price;
  else if (cost > s.cash)
    out.blocker = Code::money_insufficient;
  return out;
}

Explanation explain(const Situation& s) {
  Explanation out;
  const Start start = try_start(s, s.request);
  out.summary = summary(s, start);
  if (start.blocker == Code::none) return out;
  out.blockers.push_back(start.blocker);
  for (const Code code : {Code::place_price, Code::place_notice, Code::place_window,
                          Code::place_class, Code::place_shape, Code::place_links})
    if (code != start.blocker && blocks(s, code)) out.blockers.push_back(code);
  fix_nodes(s, out);
  fix_price(s, out);
  fix_notice(s, out);
  fix_time(s, out);
  fix_class(s, out);
  fix_slice(s, out);
  if (out.fixes.empty() && !s.free.empty())
    if (auto together = fix_together(s)) out.fixes.push_back(std::move(*together));
  if (start.placement)
    fix_funds(s, start, out);
  else if (start.blocker != Code::place_ahead)
    fix_wait(s, out);
  if (start.blocker == Code::place_ahead) fix_wait(s, out);
  const auto blocked = [&](Code code) {
    return std::find(out.blockers.begin(), out.blockers.end(), code) != out.blockers.end();
  };
  constexpr std::pair<Code, const char*> words[] = {
      {Code::place_nodes, "nodes"},   {Code::place_price, "price"},
      {Code::place_notice, "notice"}, {Code::place_window, "window"},
      {Code::place_class, "class"},   {Code::place_shape, "shape"},
      {Code::place_links, "links"},   {Code::money_insufficient, "funds"},
      {Code::place_ahead, "ahead"}};
  for (const auto& [code, word] : words)
    if (!blocked(code)) out.clear.emplace_back(word);
  return out;
}

}  // namespace weft::broker::jobs
