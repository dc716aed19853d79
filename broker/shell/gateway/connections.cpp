#include "broker/shell/gateway/connections.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/tcp.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/limits.hpp"

namespace weft::broker {
namespace {

constexpr std::uint64_t silent_ns =
    3'500'000'000;  // longer than HANDSHAKE_IVL: then it has shaken hands
constexpr std::uint64_t growth_max = 96 << 20;  // before anyone looks at who it is
constexpr std::uint64_t held_min = 8 << 20;     // what an honest connection may have on its way
constexpr std::uint64_t unread_max = 32 << 20;  // of one peer's answers, kernel buffers aside
constexpr std::size_t addresses_max = 4'096;    // before those that have nothing silent are dropped
constexpr std::size_t message_overhead = 48;    // CURVE and frame headers, about

std::string address_of(int fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  char text[INET6_ADDRSTRLEN] = {};
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return "gone";
  if (peer.ss_family == AF_INET)
    inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in&>(peer).sin_addr, text, sizeof text);
  else if (peer.ss_family == AF_INET6)
    inet_ntop(AF_INET6, &reinterpret_cast<sockaddr_in6&>(peer).sin6_addr, text, sizeof text);
  else
    return "a unix socket";
  return text;
}

struct Counts {
  std::uint64_t in = 0, out = 0;  // received; acknowledged by the peer's kernel
};
std::optional<Counts> kernel_counts(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  return Counts{info.tcpi_bytes_received, info.tcpi_bytes_acked};
}

// Bytes that a peer made us hold: in excess of what the counted messages explain.
std::uint64_t excess(std::uint64_t total, std::uint64_t explained) {
  const std::uint64_t more = total > explained ? total - explained : 0;
  return more > total / 4 ? more : 0;
}

}  // namespace

Connections::Peer* Connections::find(int fd) {
  if (fd < 0 || static_cast<std::size_t>(fd) >= peers_.size()) return nullptr;
  Peer& peer = peers_[static_cast<std::size_t>(fd)];
  return peer.open ? &peer : nullptr;
}

std::size_t Connections::silent_at(const std::string& address, std::uint64_t now_ns) {
  auto& fds = silent_[address].fds;
  std::erase_if(fds, [&](int fd) {
    const Peer* peer = find(fd);
    return peer == nullptr || peer->spoken || peer->address != address ||
           now_ns - peer->accepted_ns > silent_ns;
  });
  return fds.size();
}

std::optional<Connections::Offender> Connections::accepted(int fd, std::uint64_t now_ns) {
  if (fd < 0) return std::nullopt;
  if (peers_.size() <= static_cast<std::size_t>(fd))
    peers_.resize(static_cast<std::size_t>(fd) + 1);
  Peer& peer = peers_[static_cast<std::size_t>(fd)];
  if (!peer.open) ++open_;
  peer = {};
  peer.open = true;
  peer.accepted_ns = now_ns;
  peer.address = address_of(fd);
  if (silent_.size() > addresses_max)
    std::erase_if(silent_, [&](const auto& entry) { return silent_at(entry.first, now_ns) == 0; });
  auto& fds = silent_[peer.address].fds;
  fds.insert(fd);
  if (fds.size() <= limits::connections_silent_max ||
      silent_at(peer.address, now_ns) <= limits::connections_silent_max)
    return std::nullopt;
  return Offender{
      fd, peer.address,
      fmt::format("more than {} connections that say nothing", limits::connections_silent_max)};
}

void Connections::gone(int fd) {
  Peer* peer = find(fd);
  if (peer == nullptr) return;
  peer->open = false;
  --open_;
  if (const auto silent = silent_.find(peer->address); silent != silent_.end())
    silent->second.fds.erase(fd);  // the number comes again with the next connection
}

void Connections::received(int fd, std::size_t bytes) {
  if (Peer* peer = find(fd)) {
    peer->spoken = true;
    peer->in_bytes += bytes + message_overhead;
  }
}

std::optional<Connections::Offender> Connections::queued(int fd, std::size_t bytes) {
  Peer* peer = find(fd);
  if (peer == nullptr) return std::nullopt;
  peer->out_bytes += bytes + message_overhead;
  if (peer->out_bytes - peer->out_checked < unread_max / 4) return std::nullopt;
  peer->out_checked = peer->out_bytes;
  const auto counted = kernel_counts(fd);
  if (!counted || excess(peer->out_bytes, counted->out) <= unread_max) return std::nullopt;
  return Offender{
      fd, peer->address,
      fmt::format("more than {} MiB of answers that it does not read", unread_max >> 20)};
}

void Connections::forgive(int fd) { gone(fd); }

std::optional<Connections::Offender> Connections::worst_when_large(std::uint64_t resident_bytes) {
  if (resident_first_ == 0) resident_first_ = resident_bytes;
  if (resident_bytes < resident_first_ + growth_max) return std::nullopt;
  std::uint64_t worst = held_min;
  Offender offender;
  for (int fd = 0; static_cast<std::size_t>(fd) < peers_.size(); ++fd) {
    const Peer* peer = find(fd);
    if (peer == nullptr) continue;
    const auto counted = kernel_counts(fd);
    if (!counted) continue;
    const std::uint64_t in = excess(counted->in, peer->in_bytes);
    const std::uint64_t out = excess(peer->out_bytes, counted->out);
    if (std::max(in, out) <= worst) continue;
    worst = std::max(in, out);
    offender = {fd, peer->address,
                in > out ? fmt::format("{} MiB of frames that never become a message", in >> 20)
                         : fmt::format("{} MiB of answers that it does not read", out >> 20)};
  }
  // Nobody stands out: a busy hour, not an attack. Look again only after as much growth once more.
  if (offender.fd < 0) {
    resident_first_ = resident_bytes;
    return std::nullopt;
  }
  return offender;
}

}  // namespace weft::broker
