#include "broker/shell/drivers/linux/tables.hpp"

#include <fmt/format.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

namespace weft::broker::netns {
namespace {

constexpr std::uint32_t answers = 900, of_slices = 1'000, refuses = 20'000;  // preferences
constexpr std::uint32_t first_table = 0x10000, slices_max = 1U << 30;

RuleRow deny_rule() {
  RuleRow row;
  row.preference = refuses;
  row.in = "lo";
  row.inverted = true;
  row.action = FR_ACT_UNREACHABLE;
  return row;
}
RuleRow answer_rule() {
  RuleRow row;
  row.preference = answers;
  row.in = "lo";
  row.table = answers;
  row.action = FR_ACT_TO_TBL;
  return row;
}

bool ours(std::uint32_t table) { return table >= first_table; }

std::string words(const RuleRow& r) {
  return fmt::format("rule {}{} iif {} table {}", r.preference, r.inverted ? " not" : "",
                     r.in.empty() ? "any" : r.in, r.table);
}

}  // namespace

std::uint32_t table_of(std::uint64_t slice, bool second) {
  return first_table + 2 * static_cast<std::uint32_t>(slice % slices_max) + (second ? 1 : 0);
}

Result<void> deny_all(Kernel& kernel) { return kernel.add_rule(deny_rule()); }

Result<void> answer_hosts(Kernel& kernel, const Places& places, At at, Devices& devices) {
  if (at.tier != Tier::leaf) return {};
  for (const Hop port : places.ports(at)) {
    if (port.way != Hop::Way::down) continue;
    const std::uint32_t to = places.address(places.beyond(at, port).host);
    auto done = kernel.add_route(through(answers, to, devices[Places::device(port)].index), true);
    if (!done) return tl::make_unexpected(done.error());
    if (*done != 0 && *done != ENETDOWN)
      return fail(Code::os_error, fmt::format("{}: route to {}: {}", kernel.space(), dotted(to),
                                              std::strerror(*done)));
  }
  auto rules = kernel.rules();
  if (!rules) return tl::make_unexpected(rules.error());
  if (std::ranges::find(*rules, answer_rule()) != rules->end()) return {};
  return kernel.add_rule(answer_rule());
}

Result<void> Tables::look() {
  auto devices = kernel_.devices();
  if (!devices) return tl::make_unexpected(devices.error());
  auto rules = kernel_.rules();
  if (!rules) return tl::make_unexpected(rules.error());
  auto routes = kernel_.routes();
  if (!routes) return tl::make_unexpected(routes.error());
  devices_ = std::move(*devices);
  rules_ = std::move(*rules);
  routes_ = std::move(*routes);
  std::ranges::sort(routes_);
  return {};
}

int Tables::index(Hop port) const {
  const auto found = devices_.find(Places::device(port));
  return found == devices_.end() ? 0 : found->second.index;
}

RuleRow Tables::rule(const SlicePart& part, Hop port, std::uint32_t number) const {
  RuleRow row;
  row.preference = of_slices;
  row.in = Places::device(port);
  row.table = number;
  row.action = FR_ACT_TO_TBL;
  if (is_host_port(port)) {
    row.source = places_.address(places_.beyond(at_, port).host);
    row.source_length = 32;
  }
  (void)part;
  return row;
}

std::vector<RouteRow> Tables::rows_of(const SlicePart& part, std::uint32_t number) const {
  std::vector<RouteRow> out{unreachable(number)};
  for (const auto& [host, hop] : part.rows)
    out.push_back(through(number, places_.address(host), index(hop)));
  std::ranges::sort(out);
  return out;
}

std::vector<RouteRow> Tables::table(std::uint32_t number) const {
  std::vector<RouteRow> out;
  for (const RouteRow& row : routes_)
    if (row.table == number) out.push_back(row);
  return out;
}

bool Tables::is_base(const RuleRow& row) const {
  if (row == deny_rule()) return true;
  if (row == answer_rule()) return at_.tier == Tier::leaf;
  const bool last = row.preference == 32'766 || row.preference == 32'767;
  return last && (row.table == RT_TABLE_MAIN || row.table == RT_TABLE_DEFAULT) && row.in.empty() &&
         !row.inverted && row.source_length == 0;
}

Tables::Use Tables::use_of(const SlicePart& part) const {
  Use out;
  bool first = false;
  for (const RuleRow& row : rules_) {
    first = first || row.table == table_of(part.slice, false);
    out.second = out.second || row.table == table_of(part.slice, true);
  }
  out.any = first || out.second;
  out.second = out.second && !first;  // both: a turn was cut short; what uses the second is revoked
  const std::uint32_t number = table_of(part.slice, out.second);
  out.exact = out.any && table(number) == rows_of(part, number);
  return out;
}

Result<void> Tables::revoke(const SwitchPlan& wanted) {
  if (std::ranges::find(rules_, deny_rule()) == rules_.end())
    if (auto done = deny_all(kernel_); !done) return done;
  if (auto done = answer_hosts(kernel_, places_, at_, devices_); !done) return done;
  std::vector<RuleRow> right;
  for (const SlicePart& part : wanted)
    for (const Hop port : part.ports)
      right.push_back(rule(part, port, table_of(part.slice, use_of(part).second)));
  std::set<RuleRow> met;
  for (const RuleRow& row : rules_) {
    const bool keep = is_base(row) || std::ranges::find(right, row) != right.end();
    if (keep && met.insert(row).second) continue;
    if (auto gone = kernel_.remove_rule(row); !gone) return gone;
  }
  for (const RouteRow& row : routes_) {
    if (ours(row.table)) continue;
    if (row.table == answers && at_.tier == Tier::leaf) continue;
    if (auto gone = kernel_.remove_route(row); !gone) return gone;
  }
  if (auto seen = look(); !seen) return seen;
  for (const RuleRow& row : rules_)
    if (!is_base(row) && std::ranges::find(right, row) == right.end())
      return fail(Code::os_error,
                  fmt::format("{}: {} does not go away", kernel_.space(), words(row)));
  return {};
}

Result<void> Tables::fill(const SlicePart& part, std::uint32_t number) {
  for (const RouteRow& row : table(number))
    if (auto gone = kernel_.remove_route(row); !gone) return gone;
  for (const Hop port : part.ports)
    if (auto done = kernel_.neighbour(index(port), Places::mac(places_.beyond(at_, port)), true);
        !done)
      return done;
  auto rows = rows_of(part, number);
  std::ranges::reverse(rows);  // what refuses comes first
  for (const RouteRow& row : rows) {
    auto done = kernel_.add_route(row);
    if (!done) return tl::make_unexpected(done.error());
    if (*done == 0 || *done == ENETDOWN || *done == ENODEV) continue;
    return fail(Code::os_error, fmt::format("{}: route to {} in table {}: {}", kernel_.space(),
                                            dotted(row.destination), number, std::strerror(*done)));
  }
  return {};
}

// Rules of equal preference are asked in the order in which they came: the new one takes effect
// when the old one goes.
Result<void> Tables::turn(const SlicePart& part, Hop port, std::uint32_t number) {
  const RuleRow wanted = rule(part, port, number);
  if (std::ranges::find(rules_, wanted) == rules_.end())
    if (auto done = kernel_.add_rule(wanted); !done) return done;
  for (const RuleRow& row : rules_)
    if (row.in == wanted.in && row.preference == of_slices && row != wanted)
      if (auto gone = kernel_.remove_rule(row); !gone) return gone;
  return {};
}

Result<void> Tables::rules(const SwitchPlan& wanted, bool hosts) {
  for (const SlicePart& part : wanted)
    for (const Hop port : part.ports) {
      const bool had = std::ranges::any_of(rules_, [&](const RuleRow& row) {
        return row.in == Places::device(port) && row.preference == of_slices;
      });
      // A host that the slice had already turns over with the rest of it.
      if (!hosts && is_host_port(port) && !had) continue;
      if (auto done = turn(part, port, table_of(part.slice, chosen_[part.slice])); !done)
        return done;
    }
  return look();
}

Result<void> Tables::forward(const SwitchPlan& wanted) {
  chosen_.clear();
  bool filled = false;
  for (const SlicePart& part : wanted) {
    const Use use = use_of(part);
    chosen_[part.slice] = use.exact ? use.second : use.any && !use.second;
    if (use.exact) continue;
    filled = true;
    if (auto done = fill(part, table_of(part.slice, chosen_[part.slice])); !done) return done;
  }
  if (filled)
    if (auto seen = look(); !seen) return seen;
  return rules(wanted, false);
}

Result<void> Tables::admit(const SwitchPlan& wanted) { return rules(wanted, true); }

Result<void> Tables::flush() {
  std::set<std::uint32_t> used;
  for (const RuleRow& row : rules_) used.insert(row.table);
  for (const RouteRow& row : routes_)
    if (ours(row.table) && !used.contains(row.table))
      if (auto gone = kernel_.remove_route(row); !gone) return gone;
  return look();
}

std::vector<fabric::Difference> Tables::differences(const SwitchPlan& wanted,
                                                    std::span<const std::uint64_t> slices) const {
  std::vector<fabric::Difference> out;
  const std::string where = places_.name(at_);
  std::set<RuleRow> right;
  std::set<std::uint32_t> tables;
  for (const SlicePart& part : wanted) {
    const std::uint32_t number = table_of(part.slice, use_of(part).second);
    tables.insert(number);
    for (const Hop port : part.ports) right.insert(rule(part, port, number));
    if (!slices.empty() && std::ranges::find(slices, part.slice) == slices.end()) continue;
    for (const Hop port : part.ports)
      if (std::ranges::find(rules_, rule(part, port, number)) == rules_.end())
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
