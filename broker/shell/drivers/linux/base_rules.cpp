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

std::string words(const RuleRow& r) {
  return fmt::format("rule {}{} iif {} table {}", r.preference, r.inverted ? " not" : "",
                     r.in.empty() ? "any" : r.in, r.table);
}

Result<void> deny_all(Kernel& kernel) { return kernel.add_rule(deny_rule()); }

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
