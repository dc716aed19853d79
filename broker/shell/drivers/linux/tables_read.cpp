#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "broker/shell/drivers/linux/base_rules.hpp"
#include "broker/shell/drivers/linux/tables.hpp"

namespace weft::broker::netns {

std::vector<fabric::Difference> Tables::differences(const SwitchPlan& wanted,
                                                    std::span<const std::uint64_t> slices) const {
  std::vector<fabric::Difference> out;
  const std::string where = places_.name(at_);
  std::set<RuleRow> right;
  std::set<std::uint32_t> tables;
  for (const SlicePart& part : wanted) {
    const std::uint32_t number = table_of(part.slice, use_of(part).second);
    tables.insert(number);
    for (const Hop port : part.ports) right.insert(rule(port, number));
    if (!slices.empty() && std::ranges::find(slices, part.slice) == slices.end()) continue;
    for (const Hop port : part.ports)
      if (std::ranges::find(rules_, rule(port, number)) == rules_.end())
        out.push_back({part.slice, fmt::format("{}: {} has no rule", where, Places::device(port))});
    const auto here = table(number), should = rows_of(part, number);
    std::vector<RouteRow> missing, planted;
    std::ranges::set_difference(should, here, std::back_inserter(missing));
    std::ranges::set_difference(here, should, std::back_inserter(planted));
    for (const RouteRow& row : missing)
      out.push_back(
          {part.slice, fmt::format("{}: table {} has no row for {}", where, number,
                                   row.length == 0 ? "the rest" : dotted(row.destination))});
    for (const RouteRow& row : planted)
      out.push_back(
          {part.slice, fmt::format("{}: table {} has a row for {}/{} that nobody asked for", where,
                                   number, dotted(row.destination), row.length)});
  }
  if (std::ranges::find(rules_, deny_rule()) == rules_.end())
    out.push_back({0, where + ": the rule that refuses everything else is gone"});
  for (const RuleRow& row : refusals(places_, at_))
    if (row != deny_rule() && std::ranges::find(rules_, row) == rules_.end())
      out.push_back({0, fmt::format("{}: {} is gone: its host is not told", where, words(row))});
  for (const RuleRow& row : rules_)
    if (!is_base(row) && !right.contains(row))
      out.push_back({0, fmt::format("{}: {} that nobody asked for", where, words(row))});
  for (const RouteRow& row : routes_)
    if (!tables.contains(row.table) && row.table != answers)
      out.push_back({0, fmt::format("{}: table {} has a row for {}/{} that nobody asked for", where,
                                    row.table, dotted(row.destination), row.length)});
  return out;
}

Result<Hop> Tables::next(Hop in, std::uint32_t from, std::uint32_t to) {
  const int in_device = index(in);
  if (in_device == 0) return Hop{};
  auto out = kernel_.way_out(in_device, places_.address(from), places_.address(to));
  if (!out) return tl::make_unexpected(out.error());
  for (const auto& [name, device] : devices_)
    if (*out != 0 && device.index == *out) return Places::port_of(name).value_or(Hop{});
  return Hop{};
}

}  // namespace weft::broker::netns
