#include "broker/shell/drivers/linux/watching.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "broker/shell/drivers/linux/enter.hpp"
#include "broker/shell/drivers/linux/kernel.hpp"

namespace weft::broker::netns {
namespace {

constexpr std::size_t refusals_read_max = 4'096;  // a call, of one leaf

std::uint32_t address_at(const std::uint8_t* bytes) {
  std::uint32_t out = 0;
  std::memcpy(&out, bytes, sizeof out);
  return ntohl(out);
}

// Passes what this switch itself (its own address as source) sends: ICMP, type 3. Nobody else can
// send from that address: a host's port takes the host's own address only.
Result<int> open_refusals(std::uint32_t own_address) {
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fail(Code::os_error, std::string("packet socket: ") + std::strerror(errno));
  const auto off = static_cast<std::uint32_t>(SKF_AD_OFF);
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, off + SKF_AD_PKTTYPE),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 10),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 8),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ETH_HLEN + 12),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, own_address, 0, 6),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETH_HLEN + 9),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 0, 4),
      BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, ETH_HLEN),  // length of the IP header
      BPF_STMT(BPF_LD | BPF_B | BPF_IND, ETH_HLEN),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 3, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 128),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  const sock_fprog program{std::size(code), code};
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);  // the only one that sees what goes out
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 &&
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
    return fd;
  auto out = fail(Code::os_error, std::string("packet socket: ") + std::strerror(errno));
  close(fd);
  return out;
}

}  // namespace

Result<Watching> Watching::open(const Places& places) {
  Watching out(places);
  for (const At at : places.switches())
    if (auto done = out.listen(at); !done) return tl::make_unexpected(done.error());
  return out;
}

Watching::Watching(Watching&& other) noexcept
    : places_(other.places_),
      ears_(std::exchange(other.ears_, {})),
      links_(std::move(other.links_)) {}

Watching::~Watching() {
  for (const Ear& ear : ears_)
    if (ear.refusals >= 0) close(ear.refusals);
}

Result<void> Watching::listen(At at) {
  auto opened = inside(places_->space(at), [&]() -> Result<void> {
    auto links = Netlink::open(RTMGRP_LINK);
    if (!links) return tl::make_unexpected(links.error());
    ears_.push_back({at, std::move(*links)});
    if (at.tier != Tier::leaf) return {};
    auto refusals = open_refusals(places_->own_address(at));
    if (!refusals) return tl::make_unexpected(refusals.error());
    ears_.back().refusals = *refusals;
    return {};
  });
  if (!opened) return opened;
  auto kernel = Kernel::open(places_->space(at));
  if (!kernel) return tl::make_unexpected(kernel.error());
  auto devices = kernel->devices();
  if (!devices) return tl::make_unexpected(devices.error());
  std::vector<FabricEvent> none;  // the state now is no event
  for (const Hop port : places_->ports(at)) {
    const Device& device = (*devices)[Places::device(port)];
    ears_.back().ports[device.index] = port;
    end_is(at, port, device.up, none);
  }
  return {};
}

// A link is up when both ends are; of a host's link the leaf's end is all we see, and enough: an
// end isn't running while the other is down.
void Watching::end_is(At at, Hop port, bool up, std::vector<FabricEvent>& out) {
  const End far = places_->beyond(at, port);
  const bool lower = far.is_host || port.way == Hop::Way::up;
  const At low = lower ? at : far.at;
  const Hop low_port = lower ? port : far.port;
  auto [it, fresh] =
      links_.try_emplace(places_->short_name(low) + Places::device(low_port), true, true);
  auto& [low_up, high_up] = it->second;
  const bool before = low_up && high_up;
  (lower ? low_up : high_up) = up;
  if (before == (low_up && high_up)) return;
  FabricEvent event;
  event.links = places_->link(at, port);
  event.what = !before       ? FabricEvent::What::link_up
               : far.is_host ? FabricEvent::What::host_lost
                             : FabricEvent::What::link_down;
  if (far.is_host) event.from = far.host;
  event.text = fmt::format("the link {} of {} to {} is {}", Places::device(port), places_->name(at),
                           far.is_host ? places_->name(far.host) : places_->name(far.at),
                           before ? "down" : "up");
  out.push_back(std::move(event));
}

void Watching::hear_links(Ear& ear, std::vector<FabricEvent>& out) {
  bool lost = false;
  for (const Message& message : ear.links.notifications(lost)) {
    const auto head = message.head<ifinfomsg>();
    const auto port = ear.ports.find(head.ifi_index);
    if (port == ear.ports.end()) continue;
    if (message.type == RTM_DELLINK) end_is(ear.at, port->second, false, out);
    if (message.type != RTM_NEWLINK) continue;
    const bool up = (head.ifi_flags & IFF_UP) != 0 && (head.ifi_flags & IFF_RUNNING) != 0;
    end_is(ear.at, port->second, up, out);
  }
  if (!lost) return;
  // What was lost may have been a link that flapped, and its routes are gone then.
  auto kernel = Kernel::open(places_->space(ear.at));
  auto devices = kernel ? kernel->devices() : tl::make_unexpected(kernel.error());
  for (const auto& [index, port] : ear.ports) {
    end_is(ear.at, port, false, out);
    if (devices) end_is(ear.at, port, (*devices)[Places::device(port)].up, out);
  }
}

void Watching::hear_refusals(Ear& ear, std::map<Refused, std::uint64_t>& out) {
  std::uint8_t packet[128];
  for (std::size_t read = 0; read < refusals_read_max; ++read) {
    const auto got = recv(ear.refusals, packet, sizeof packet, MSG_DONTWAIT);
    if (got <= ETH_HLEN) return;
    const auto bytes = static_cast<std::size_t>(got);
    const std::size_t head = (packet[ETH_HLEN] & 15U) * 4U, icmp = ETH_HLEN + head;
    const std::size_t quoted = icmp + 8;  // the header of what was refused
    if (bytes < quoted + 20) continue;
    const std::uint8_t code = packet[icmp + 1];
    if (code != 0 && code != 1) continue;  // network, host unreachable
    const auto from = places_->host_at(address_at(packet + quoted + 12));
    const auto to = places_->host_at(address_at(packet + quoted + 16));
    if (from) ++out[{*from, to.value_or(FabricEvent::nobody)}];
  }
}

Result<std::vector<FabricEvent>> Watching::wait(
    Duration patience, const std::function<std::uint64_t(std::uint32_t)>& slice_of) {
  std::vector<pollfd> fds;
  for (const Ear& ear : ears_) {
    fds.push_back({ear.links.fd(), POLLIN, 0});
    if (ear.refusals >= 0) fds.push_back({ear.refusals, POLLIN, 0});
  }
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::milliseconds(std::max<std::int64_t>(patience.ms, 0));
  std::vector<FabricEvent> out;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    const int ready = poll(fds.data(), fds.size(),
                           static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000)));
    if (ready < 0 && errno != EINTR)
      return fail(Code::os_error, std::string("poll: ") + std::strerror(errno));
    std::map<Refused, std::uint64_t> refused;
    for (Ear& ear : ears_) {
      hear_links(ear, out);
      if (ear.refusals >= 0) hear_refusals(ear, refused);
    }
    for (const auto& [who, times] : refused) {
      const std::uint64_t mine = slice_of(who.from);
      const std::uint64_t theirs = who.to == FabricEvent::nobody ? 0 : slice_of(who.to);
      if (mine != 0 && mine == theirs) continue;  // no way within a slice: a link is down
      FabricEvent event;
      event.what = FabricEvent::What::denied;
      event.from = who.from;
      event.to = who.to;
      event.attempts = times;
      const std::uint32_t leaf = who.from / places_->tree().hosts_per_leaf;
      event.text =
          fmt::format("{} ({}) tried to reach {} ({}): refused at {} {}", places_->name(who.from),
                      mine == 0 ? "no slice" : fmt::format("slice {}", mine),
                      who.to == FabricEvent::nobody ? "a stranger" : places_->name(who.to),
                      theirs == 0 ? "no slice" : fmt::format("slice {}", theirs),
                      places_->name({Tier::leaf, leaf}),
                      Places::device({Hop::Way::down, who.from % places_->tree().hosts_per_leaf}));
      out.push_back(std::move(event));
    }
    if (!out.empty() || left <= 0) return out;
  }
}

}  // namespace weft::broker::netns
