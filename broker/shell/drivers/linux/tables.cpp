#include "broker/shell/drivers/linux/tables.hpp"

#include <fmt/format.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "broker/shell/drivers/linux/base_rules.hpp"

namespace weft::broker::netns {
namespace {

constexpr std::uint32_t first_table = 0x10000, slices_max = 1U << 30;

bool ours(std::uint32_t table) { return table >= first_table; }

}  // namespace

std::uint32_t table_of(std::uint64_t slice, bool second) {
  return first_table + 2 * static_cast<std::uint32_t>(slice % slices_max) + (second ? 1 : 0);
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

RuleRow Tables::rule(Hop port, std::uint32_t number) const {
  RuleRow row;
  row.preference = of_slices;
  row.in = Places::device(port);
  row.table = number;
  row.action = FR_ACT_TO_TBL;
  if (is_host_port(port)) {
    row.source = places_.address(places_.beyond(at_, port).host);
    row.source_length = 32;
  }
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
  const auto base = refusals(places_, at_);
  if (std::ranges::find(base, row) != base.end()) return true;
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
  if (auto done = deny_all(kernel_, places_, at_); !done) return done;
  if (auto done = answer_hosts(kernel_, places_, at_, devices_); !done) return done;
  std::vector<RuleRow> right;
  for (const SlicePart& part : wanted)
    for (const Hop port : part.ports)
      right.push_back(rule(port, table_of(part.slice, use_of(part).second)));
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
  for (const Hop port : part.ports) {
    if (index(port) == 0) continue;
    const Mac mac = Places::mac(places_.beyond(at_, port));
    if (auto done = kernel_.neighbour(index(port), mac, true); !done) return done;
  }
  auto rows = rows_of(part, number);
  std::ranges::reverse(rows);  // what refuses comes first
  for (const RouteRow& row : rows) {
    if (row.device == 0 && row.length != 0) continue;  // no such interface: found by verifying
    auto done = kernel_.add_route(row);
    if (!done) return tl::make_unexpected(done.error());
    if (*done == 0 || *done == ENETDOWN || *done == ENODEV) continue;
    return fail(Code::os_error, fmt::format("{}: route to {} in table {}: {}", kernel_.space(),
                                            dotted(row.destination), number, std::strerror(*done)));
  }
  return {};
}

// Before anything uses it. Rows may be missing, where a link is down: that fails closed.
Result<void> Tables::read_back(const SlicePart& part, std::uint32_t number) const {
  const auto here = table(number), should = rows_of(part, number);
  if (std::ranges::includes(should, here) &&
      std::ranges::find(here, unreachable(number)) != here.end())
    return {};
  return fail(Code::os_error,
              fmt::format("{}: table {} does not hold what was written", kernel_.space(), number));
}

// Rules of equal preference are asked in the order in which they came: the new one takes effect
// when the old one goes.
Result<void> Tables::turn(Hop port, std::uint32_t number) {
  const RuleRow wanted = rule(port, number);
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
      if (auto done = turn(port, table_of(part.slice, chosen_[part.slice])); !done) return done;
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
  if (filled) {
    if (auto seen = look(); !seen) return seen;
    for (const SlicePart& part : wanted)
      if (auto good = read_back(part, table_of(part.slice, chosen_[part.slice])); !good)
        return good;
  }
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

}  // namespace weft::broker::netns
