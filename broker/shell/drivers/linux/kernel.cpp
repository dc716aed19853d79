#include "broker/shell/drivers/linux/kernel.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "broker/shell/drivers/linux/enter.hpp"

namespace weft::broker::netns {
namespace {

void put_address(Request& request, std::uint16_t attribute, std::uint32_t address) {
  request.put(attribute, htonl(address));
}

rtmsg route_head(const RouteRow& row) {
  rtmsg head{};
  head.rtm_family = AF_INET;
  head.rtm_dst_len = row.length;
  head.rtm_table = RT_TABLE_UNSPEC;  // the attribute has room for it
  head.rtm_type = row.type;
  head.rtm_protocol = row.protocol;
  head.rtm_scope = RT_SCOPE_UNIVERSE;
  if (row.type == RTN_UNICAST) head.rtm_flags = RTNH_F_ONLINK;
  return head;
}

void put_route(Request& request, const RouteRow& row) {
  if (row.length != 0) put_address(request, RTA_DST, row.destination);
  if (row.gateway != 0) put_address(request, RTA_GATEWAY, row.gateway);
  if (row.device != 0) request.put(RTA_OIF, static_cast<std::uint32_t>(row.device));
  if (row.metric != 0) request.put(RTA_PRIORITY, row.metric);
  request.put(RTA_TABLE, row.table);
}

fib_rule_hdr rule_head(const RuleRow& row) {
  fib_rule_hdr head{};
  head.family = AF_INET;
  head.action = row.action;
  head.src_len = row.source_length;
  if (row.inverted) head.flags = FIB_RULE_INVERT;
  return head;
}

void put_rule(Request& request, const RuleRow& row) {
  request.put(FRA_PRIORITY, row.preference);
  if (row.table != 0) request.put(FRA_TABLE, row.table);
  if (row.source_length != 0) put_address(request, FRA_SRC, row.source);
  if (!row.in.empty()) request.put(FRA_IIFNAME, std::string_view(row.in));
}

}  // namespace

RouteRow through(std::uint32_t table, std::uint32_t destination, int device) {
  RouteRow row;
  row.table = table;
  row.destination = destination;
  row.length = 32;
  row.gateway = far_end;
  row.type = RTN_UNICAST;
  row.protocol = RTPROT_STATIC;
  row.device = device;
  return row;
}

RouteRow unreachable(std::uint32_t table) {
  RouteRow row;
  row.table = table;
  row.type = RTN_UNREACHABLE;
  row.protocol = RTPROT_STATIC;
  row.metric = 4278198272;  // behind every other row
  return row;
}

Result<Kernel> Kernel::open(const std::string& space) {
  std::optional<Netlink> socket;
  auto opened = inside(space, [&]() -> Result<void> {
    auto made = Netlink::open();
    if (!made) return tl::make_unexpected(made.error());
    socket = std::move(*made);
    return {};
  });
  if (!opened) return tl::make_unexpected(opened.error());
  return Kernel(space, std::move(*socket));
}

Result<void> Kernel::ask(Request& request, std::string_view what) {
  return socket_.ask(request, fmt::format("{}: {}", space_, what));
}

Result<int> Kernel::add_route(const RouteRow& row, bool replace) {
  Request request(RTM_NEWROUTE, replace ? NLM_F_CREATE | NLM_F_REPLACE : NLM_F_CREATE | NLM_F_EXCL);
  request.head(route_head(row));
  put_route(request, row);
  return socket_.attempt(request);
}

Result<void> Kernel::remove_route(const RouteRow& row) {
  Request request(RTM_DELROUTE, 0);
  rtmsg head = route_head(row);
  head.rtm_scope = RT_SCOPE_NOWHERE;  // any
  head.rtm_flags = 0;
  request.head(head);
  put_route(request, row);
  auto done = socket_.attempt(request);
  if (!done) return tl::make_unexpected(done.error());
  if (*done == 0 || *done == ESRCH) return {};  // ESRCH: its link went down meanwhile
  return fail(Code::os_error,
              fmt::format("{}: remove route {} of table {}: {}", space_, dotted(row.destination),
                          row.table, std::strerror(*done)));
}

Result<std::vector<RouteRow>> Kernel::routes() {
  Request request(RTM_GETROUTE, 0);
  rtmsg all_of{};
  all_of.rtm_family = AF_INET;
  request.head(all_of);
  auto all = socket_.dump(request);
  if (!all) return tl::make_unexpected(all.error());
  std::vector<RouteRow> out;
  for (const Message& message : *all) {
    const auto head = message.head<rtmsg>();
    const Attributes a(message, sizeof head);
    RouteRow row;
    row.table = a.has(RTA_TABLE) ? a.number(RTA_TABLE) : head.rtm_table;
    if (row.table == RT_TABLE_LOCAL || (head.rtm_flags & RTM_F_CLONED) != 0) continue;
    row.destination = ntohl(a.number(RTA_DST));
    row.length = head.rtm_dst_len;
    row.gateway = ntohl(a.number(RTA_GATEWAY));
    row.metric = a.number(RTA_PRIORITY);
    row.type = head.rtm_type;
    row.protocol = head.rtm_protocol;
    row.device = static_cast<int>(a.number(RTA_OIF));
    out.push_back(row);
  }
  return out;
}

Result<void> Kernel::add_rule(const RuleRow& row) {
  Request request(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);
  request.head(rule_head(row));
  put_rule(request, row);
  return ask(request, fmt::format("add rule {} for {}", row.preference, row.in));
}

Result<void> Kernel::remove_rule(const RuleRow& row) {
  Request request(RTM_DELRULE, 0);
  request.head(rule_head(row));
  put_rule(request, row);
  return ask(request, fmt::format("remove rule {} for {}", row.preference, row.in));
}

Result<std::vector<RuleRow>> Kernel::rules() {
  Request request(RTM_GETRULE, 0);
  fib_rule_hdr all_of{};
  all_of.family = AF_INET;
  request.head(all_of);
  auto all = socket_.dump(request);
  if (!all) return tl::make_unexpected(all.error());
  std::vector<RuleRow> out;
  for (const Message& message : *all) {
    const auto head = message.head<fib_rule_hdr>();
    const Attributes a(message, sizeof head);
    RuleRow row;
    row.preference = a.number(FRA_PRIORITY);
    row.table = a.has(FRA_TABLE) ? a.number(FRA_TABLE) : head.table;
    row.source = ntohl(a.number(FRA_SRC));
    row.source_length = head.src_len;
    row.action = head.action;
    row.inverted = (head.flags & FIB_RULE_INVERT) != 0;
    row.in = a.text(FRA_IIFNAME);
    if (row.table != RT_TABLE_LOCAL) out.push_back(std::move(row));
  }
  return out;
}

Result<int> Kernel::way_out(int in_device, std::uint32_t from, std::uint32_t to) {
  Request request(RTM_GETROUTE, 0);
  rtmsg head{};
  head.rtm_family = AF_INET;
  head.rtm_dst_len = 32;
  head.rtm_src_len = 32;
  request.head(head);
  put_address(request, RTA_DST, to);
  put_address(request, RTA_SRC, from);
  request.put(RTA_IIF, static_cast<std::uint32_t>(in_device));
  auto answer = socket_.query(request);
  if (!answer) return tl::make_unexpected(answer.error());
  if (answer->error != 0) return 0;  // unreachable, prohibited, a martian: it goes nowhere
  if (answer->message.head<rtmsg>().rtm_type != RTN_UNICAST) return 0;
  return static_cast<int>(Attributes(answer->message, sizeof(rtmsg)).number(RTA_OIF));
}

}  // namespace weft::broker::netns
