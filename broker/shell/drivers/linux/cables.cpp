#include "broker/shell/drivers/linux/cables.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "broker/shell/drivers/linux/enter.hpp"

namespace weft::broker::netns {
namespace {

Result<void> shape(Netlink& here, int device, std::uint64_t bits_per_second) {
  const std::uint64_t rate = bits_per_second / 8;
  Request request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE);
  tcmsg head{};
  head.tcm_ifindex = device;
  head.tcm_parent = TC_H_ROOT;
  head.tcm_handle = 1U << 16;
  request.head(head);
  request.put(TCA_KIND, std::string_view("tbf"));
  tc_tbf_qopt how{};
  how.rate.rate = static_cast<std::uint32_t>(std::min<std::uint64_t>(rate, UINT32_MAX));
  how.rate.linklayer = TC_LINKLAYER_ETHERNET;  // the kernel computes times itself then
  const std::uint64_t burst = std::max<std::uint64_t>(rate / 250, 16'384);
  how.limit = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(std::max<std::uint64_t>(rate / 50, 131'072), 1U << 30));
  const auto options = request.open(TCA_OPTIONS);
  request.put(TCA_TBF_PARMS, &how, sizeof how);
  if (rate > UINT32_MAX) request.put(TCA_TBF_RATE64, &rate, sizeof rate);
  request.put(TCA_TBF_BURST, static_cast<std::uint32_t>(std::min<std::uint64_t>(burst, 1U << 30)));
  request.close(options);
  return here.ask(request, "token bucket");
}

}  // namespace

Result<void> lay(Netlink& here, const Spot& near, const Spot& far) {
  const int space = ::open(path_of(far.space).c_str(), O_RDONLY | O_CLOEXEC);
  if (space < 0) return fail(Code::os_error, far.space + ": " + std::strerror(errno));
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  request.head(ifinfomsg{});
  request.put(IFLA_IFNAME, std::string_view(near.device));
  request.put(IFLA_ADDRESS, near.mac.data(), near.mac.size());
  const auto info = request.open(IFLA_LINKINFO);
  request.put(IFLA_INFO_KIND, std::string_view("veth"));
  const auto data = request.open(IFLA_INFO_DATA);
  const auto peer = request.open(VETH_INFO_PEER);
  const ifinfomsg head{};
  request.raw(&head, sizeof head);
  request.put(IFLA_IFNAME, std::string_view(far.device));
  request.put(IFLA_ADDRESS, far.mac.data(), far.mac.size());
  request.put(IFLA_NET_NS_FD, static_cast<std::uint32_t>(space));
  for (const auto opened : {peer, data, info}) request.close(opened);
  auto done = here.ask(
      request, fmt::format("cable {} {} to {} {}", near.space, near.device, far.space, far.device));
  close(space);
  return done;
}

Result<void> shape_in(const std::string& space, const std::vector<int>& devices,
                      std::uint64_t bits_per_second) {
  if (devices.empty()) return {};
  return inside(space, [&]() -> Result<void> {
    auto socket = Netlink::open();
    if (!socket) return tl::make_unexpected(socket.error());
    for (const int device : devices)
      if (auto done = shape(*socket, device, bits_per_second); !done) return done;
    return {};
  });
}

}  // namespace weft::broker::netns
