#include "broker/jobs/fix_together.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace weft::broker::jobs {
namespace {

using fabric::Request;

enum Part : unsigned { nodes = 1, slice = 2, price = 4, notice = 8, term = 16, gpus = 32 };
constexpr unsigned all_parts = 63;

bool starts_now(const Situation& s, const Request& request) {
  return try_start(s, request).blocker == Code::none;
}

// Everything of the set as wide as it goes.
Request relaxed(const Request& from, unsigned set) {
  Request r = from;
  if (set & nodes) r.nodes = 1;
  if (set & slice) r.within = {}, r.exclusive = {};
  if (set & price) r.price_max.reset();
  if (set & notice) r.notice = limits::notice_min;
  if (set & term) r.term = limits::job_time_min;
  if (set & gpus) r.gpus_per_node = 0;
  return r;
}

// What a part is in `from` already cannot be relaxed.
bool changes_all(const Request& from, unsigned set) {
  for (unsigned part = 1; part <= set; part <<= 1) {
    const Request r = relaxed(from, part);
    const bool same = r.nodes == from.nodes && r.within == from.within &&
                      r.exclusive == from.exclusive && r.price_max == from.price_max &&
                      r.notice == from.notice && r.term == from.term &&
                      r.gpus_per_node == from.gpus_per_node;
    if ((set & part) != 0 && same) return false;
  }
  return true;
}

// Back towards what was asked for, as far as it still starts.
Request tightened(const Situation& s, Request r, unsigned set) {
  const Request& wanted = s.request;
  if (set & nodes) {
    std::uint32_t low = 1, high = wanted.nodes - 1;
    while (low < high) {
      const std::uint32_t middle = low + (high - low + 1) / 2;
      r.nodes = middle;
      if (starts_now(s, r))
        low = middle;
      else
        high = middle - 1;
    }
    r.nodes = low;
  }
  if (set & term) {
    std::int64_t low = r.term.ms / 60'000, high = wanted.term.ms / 60'000;
    while (low < high) {
      const std::int64_t middle = low + (high - low + 1) / 2;
      r.term = minutes(middle);
      if (starts_now(s, r))
        low = middle;
      else
        high = middle - 1;
    }
    r.term = minutes(low);
  }
  if (set & price) r.price_max = try_start(s, r).placement->price;
  return r;
}

std::string words(const Request& r, unsigned set) {
  std::string out;
  const auto add = [&](std::string part) { out += (out.empty() ? "" : ", ") + std::move(part); };
  if (set & nodes) add(fmt::format("nodes: {}", r.nodes));
  if (set & slice) add("within: any, exclusive: links");
  if (set & price) add("max_price: " + to_string(*r.price_max));
  if (set & notice) add("notice: " + to_string(r.notice));
  if (set & term) add("time: " + to_string(r.term));
  if (set & gpus) add(fmt::format("gpus_per_node: {}", r.gpus_per_node));
  return out;
}

}  // namespace

std::optional<Fix> fix_together(const Situation& s) {
  for (const int size : {2, 3})
    for (unsigned set = 1; set <= all_parts; ++set) {
      if (std::popcount(set) != size || !changes_all(s.request, set)) continue;
      if (!starts_now(s, relaxed(s.request, set))) continue;
      const Request r = tightened(s, relaxed(s.request, set), set);
      const Start start = try_start(s, r);
      return Fix{words(r, set),
                 fmt::format("starts now at ${} per unit-hour", to_string(start.placement->price))};
    }
  return {};
}

}  // namespace weft::broker::jobs
