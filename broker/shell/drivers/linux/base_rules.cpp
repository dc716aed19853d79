#include "broker/shell/drivers/linux/base_rules.hpp"

#include <fmt/format.h>
#include <linux/fib_rules.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weft::broker::netns {

RuleRow deny_rule() {
  RuleRow row;
  row.preference = refuses;
  row.in = "lo";
  row.inverted = true;
  row.action = FR_ACT_BLACKHOLE;
  return row;
}

std::vector<RuleRow> refusals(const Places& places, At at) {
  std::vector<RuleRow> out{deny_rule()};
  for (const Hop port : places.ports(at)) {
    const End far = places.beyond(at, port);
    if (!far.is_host) continue;
    RuleRow row;
    row.preference = tells;
    row.in = Places::device(port);
    row.source = places.address(far.host);
    row.source_length = 32;
    row.action = FR_ACT_UNREACHABLE;
    out.push_back(std::move(row));
  }
  return out;
}

RuleRow answer_rule() {
  RuleRow row;
  row.preference = answers;
  row.in = "lo";
  row.table = answers;
  row.action = FR_ACT_TO_TBL;
  return row;
}

std::string words(const RuleRow& r) {
  return fmt::format("rule {}{} iif {} table {}", r.preference, r.inverted ? " not" : "",
                     r.in.empty() ? "any" : r.in, r.table);
}

Result<void> deny_all(Kernel& kernel, const Places& places, At at) {
  auto rules = kernel.rules();
  if (!rules) return tl::make_unexpected(rules.error());
  for (const RuleRow& row : refusals(places, at))
    if (std::ranges::find(*rules, row) == rules->end())
      if (auto done = kernel.add_rule(row); !done) return done;
  return {};
}

Result<void> answer_hosts(Kernel& kernel, const Places& places, At at, Devices& devices) {
  if (at.tier != Tier::leaf) return {};
  for (const Hop port : places.ports(at)) {
    if (port.way != Hop::Way::down) continue;
    const std::uint32_t to = places.address(places.beyond(at, port).host);
    const int device = devices[Places::device(port)].index;
    if (device == 0) continue;  // a host can take its cable away
    auto done = kernel.add_route(through(answers, to, device), true);
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

}  // namespace weft::broker::netns
