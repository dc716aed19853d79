#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "broker/shell/drivers/linux/kernel.hpp"

namespace weft::broker::netns {

Result<Devices> Kernel::devices() {
  Request request(RTM_GETLINK, 0);
  request.head(ifinfomsg{});
  auto all = socket_.dump(request);
  if (!all) return tl::make_unexpected(all.error());
  Devices out;
  for (const Message& message : *all) {
    const auto head = message.head<ifinfomsg>();
    const Attributes attributes(message, sizeof head);
    Device& device = out[attributes.text(IFLA_IFNAME)];
    device.index = head.ifi_index;
    device.up = (head.ifi_flags & IFF_UP) != 0 && (head.ifi_flags & IFF_RUNNING) != 0;
    rtnl_link_stats64 counted{};
    if (const auto bytes = attributes.bytes(IFLA_STATS64); bytes.size() >= sizeof counted)
      std::memcpy(&counted, bytes.data(), sizeof counted);
    device.packets_in = counted.rx_packets;
    device.bytes_in = counted.rx_bytes;
    device.packets_out = counted.tx_packets;
    device.bytes_out = counted.tx_bytes;
  }
  return out;
}

Result<void> Kernel::set_up(int device, bool up) {
  Request request(RTM_NEWLINK, 0);
  ifinfomsg head{};
  head.ifi_index = device;
  head.ifi_change = IFF_UP;
  head.ifi_flags = up ? unsigned{IFF_UP} : 0U;
  request.head(head);
  return ask(request, fmt::format("link {} {}", device, up ? "up" : "down"));
}

Result<void> Kernel::remove_links() {
  auto all = devices();
  if (!all) return tl::make_unexpected(all.error());
  for (const auto& [name, device] : *all) {
    if (name == "lo") continue;
    Request request(RTM_DELLINK, 0);
    ifinfomsg head{};
    head.ifi_index = device.index;
    request.head(head);
    if (auto gone = ask(request, "remove link " + name); !gone) return gone;
  }
  return {};
}

Result<void> Kernel::neighbour(int device, const Mac& mac, bool fine_when_down) {
  Request request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
  ndmsg head{};
  head.ndm_family = AF_INET;
  head.ndm_ifindex = device;
  head.ndm_state = NUD_PERMANENT;
  request.head(head);
  request.put(NDA_DST, htonl(far_end));
  request.put(NDA_LLADDR, mac.data(), mac.size());
  if (!fine_when_down) return ask(request, "neighbour");
  auto done = socket_.attempt(request);
  if (done && *done != 0 && *done != ENETDOWN)
    return fail(Code::os_error, fmt::format("{}: neighbour: {}", space_, std::strerror(*done)));
  return done ? Result<void>{} : tl::make_unexpected(done.error());
}

Result<void> Kernel::add_address(int device, std::uint32_t address) {
  Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
  ifaddrmsg head{};
  head.ifa_family = AF_INET;
  head.ifa_prefixlen = 32;
  head.ifa_index = static_cast<std::uint32_t>(device);
  request.head(head);
  request.put(IFA_LOCAL, htonl(address));
  request.put(IFA_ADDRESS, htonl(address));
  return ask(request, "address " + dotted(address));
}

}  // namespace weft::broker::netns
