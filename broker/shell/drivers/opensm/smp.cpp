#include "broker/shell/drivers/opensm/smp.hpp"

#include <fmt/format.h>
#include <infiniband/umad.h>

#include <cerrno>
#include <chrono>
#include <cstring>

namespace weft::broker {
namespace {

using SmpClock = std::chrono::steady_clock;

constexpr std::size_t mad_bytes = 256, window = 64;
constexpr int answer_ms = 200;
constexpr std::uint8_t class_directed = 0x81, class_lid = 0x01, class_sa = 0x03;

void put16(std::uint8_t* at, std::uint16_t v) {
  at[0] = static_cast<std::uint8_t>(v >> 8);
  at[1] = static_cast<std::uint8_t>(v);
}
void put32(std::uint8_t* at, std::uint32_t v) {
  put16(at, static_cast<std::uint16_t>(v >> 16));
  put16(at + 2, static_cast<std::uint16_t>(v));
}
std::uint16_t get16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}
std::uint32_t get32(const std::uint8_t* at) {
  return std::uint32_t{get16(at)} << 16 | get16(at + 2);
}

std::uint8_t* header(std::uint8_t* mad, std::uint8_t management_class, std::uint8_t version,
                     std::uint16_t attribute, std::uint32_t modifier, std::uint32_t id) {
  std::memset(mad, 0, mad_bytes);
  mad[0] = 1;
  mad[1] = management_class;
  mad[2] = version;
  mad[3] = 1;           // Get
  put32(mad + 12, id);  // the upper half of the transaction id is the kernel's
  put16(mad + 16, attribute);
  put32(mad + 20, modifier);
  return mad;
}

}  // namespace

Result<std::unique_ptr<SmpPort>> SmpPort::open(const std::string& device, int port) {
  const auto refuse = [&](std::string_view what) {
    return fail(Code::fabric_unread, fmt::format("device '{}': {}", device, what));
  };
  if (umad_init() < 0) return refuse("libibumad finds no InfiniBand devices");
  const char* name = device.empty() ? nullptr : device.c_str();
  umad_port_t info;
  if (umad_get_port(name, port, &info) < 0) return refuse("no such port");
  std::unique_ptr<SmpPort> out(new SmpPort);
  out->port_guid_ = be64toh(info.port_guid);
  out->port_number_ = static_cast<std::uint8_t>(info.portnum);
  umad_release_port(&info);
  out->fd_ = umad_open_port(name, port);
  if (out->fd_ < 0) return refuse("can't be opened; rights on /dev/infiniband/umad*?");
  out->directed_ = umad_register(out->fd_, class_directed, 1, 0, nullptr);
  out->by_lid_ = umad_register(out->fd_, class_lid, 1, 0, nullptr);
  out->sa_ = umad_register(out->fd_, class_sa, 2, 0, nullptr);
  if (out->directed_ < 0 || out->by_lid_ < 0) return refuse("refuses subnet management packets");
  out->buffer_.resize((umad_size() + mad_bytes + 64) / sizeof(std::uint64_t) + 1);
  return out;
}

SmpPort::~SmpPort() {
  if (fd_ < 0) return;
  for (const int agent : {directed_, by_lid_, sa_})
    if (agent >= 0) umad_unregister(fd_, agent);
  umad_close_port(fd_);
}

void SmpPort::send(const SmpRequest& request, std::uint32_t id, bool by_lid) {
  void* umad = buffer_.data();
  std::memset(umad, 0, umad_size());
  auto* mad =
      header(static_cast<std::uint8_t*>(umad_get_mad(umad)), by_lid ? class_lid : class_directed, 1,
             static_cast<std::uint16_t>(request.attribute), request.modifier, id);
  if (by_lid) {
    umad_set_addr(umad, request.lid, 0, 0, 0);
  } else {
    mad[7] = request.route.hops;
    put16(mad + 32, 0xffff);  // directed from end to end
    put16(mad + 34, 0xffff);
    std::memcpy(mad + 128, request.route.out.data(), request.route.out.size());
    umad_set_addr(umad, 0xffff, 0, 0, 0);
  }
  ++sent_;
  umad_send(fd_, by_lid ? by_lid_ : directed_, umad, mad_bytes, answer_ms, 1);
}

void SmpPort::round(std::span<const SmpRequest> requests, std::vector<SmpReply>& replies,
                    std::vector<std::uint32_t> todo, bool by_lid) {
  const std::uint32_t first = next_id_;  // request i has the id first + i
  next_id_ += static_cast<std::uint32_t>(requests.size());
  std::vector<bool> waits(requests.size(), false);
  std::size_t sent = 0, flying = 0;
  auto deadline = SmpClock::now() + std::chrono::milliseconds(3 * answer_ms);
  while (sent < todo.size() || flying > 0) {
    while (sent < todo.size() && flying < window) {
      send(requests[todo[sent]], first + todo[sent], by_lid);
      waits[todo[sent++]] = true;
      ++flying;
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SmpClock::now()).count();
    if (left <= 0) return;  // what is still out counts as unanswered
    int length = static_cast<int>(mad_bytes);
    void* umad = buffer_.data();
    if (umad_recv(fd_, umad, &length, static_cast<int>(left)) < 0) {
      if (errno == ETIMEDOUT || errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK) continue;
      return;
    }
    const auto* mad = static_cast<const std::uint8_t*>(umad_get_mad(umad));
    const std::uint32_t i = get32(mad + 12) - first;
    if (i >= requests.size() || !waits[i]) continue;  // late, of an earlier round
    waits[i] = false;
    --flying;
    deadline = SmpClock::now() + std::chrono::milliseconds(3 * answer_ms);
    if (umad_status(umad) != 0) continue;  // nobody answered
    replies[i].status = get16(mad + 4) & 0x7fff;
    replies[i].answered = replies[i].status == 0;
    std::memcpy(replies[i].data.data(), mad + 64, replies[i].data.size());
  }
}

std::vector<SmpReply> SmpPort::read(std::span<const SmpRequest> requests) {
  std::vector<SmpReply> replies(requests.size());
  std::vector<std::uint32_t> todo(requests.size());
  for (std::uint32_t i = 0; i < todo.size(); ++i) todo[i] = i;
  auto directed = todo;
  std::erase_if(directed, [&](std::uint32_t i) { return !requests[i].directed; });
  round(requests, replies, std::move(directed), false);
  std::erase_if(todo, [&](std::uint32_t i) {
    return replies[i].answered || replies[i].status != 0 || requests[i].lid == 0;
  });
  if (!todo.empty()) round(requests, replies, todo, true);
  return replies;
}

// PathRecord, IBA 15.2.5.16: service id 8 bytes, two GIDs, then DLID at 40, SLID at 42, P_Key
// at 50.
Result<std::uint16_t> SmpPort::path_key(std::uint16_t sa_lid, std::uint16_t from,
                                        std::uint16_t to) {
  constexpr std::size_t record = 56;  // of the packet: after the headers of RMPP and SA
  constexpr std::uint64_t by_dlid = 1ULL << 4, by_slid = 1ULL << 5;
  if (sa_ < 0) return fail(Code::fabric_unread, "no agent for the subnet administrator");
  const std::uint32_t id = next_id_++;
  void* umad = buffer_.data();
  std::memset(umad, 0, umad_size());
  auto* mad = header(static_cast<std::uint8_t*>(umad_get_mad(umad)), class_sa, 2, 0x35, 0, id);
  put32(mad + 48, static_cast<std::uint32_t>((by_dlid | by_slid) >> 32));
  put32(mad + 52, static_cast<std::uint32_t>(by_dlid | by_slid));
  put16(mad + record + 40, to);
  put16(mad + record + 42, from);
  umad_set_addr(umad, sa_lid, 1, 0, static_cast<int>(0x80010000));
  ++sent_;
  umad_send(fd_, sa_, umad, mad_bytes, 5 * answer_ms, 1);
  const auto deadline = SmpClock::now() + std::chrono::milliseconds(10 * answer_ms);
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SmpClock::now()).count();
    int length = static_cast<int>(mad_bytes);
    if (left <= 0 || umad_recv(fd_, umad, &length, static_cast<int>(left)) < 0)
      return fail(Code::fabric_unread, "the subnet administrator does not answer");
    if (get32(mad + 12) != id) continue;
    if (umad_status(umad) != 0)
      return fail(Code::fabric_unread, "the subnet administrator does not answer");
    // An error status, or no record: no path.
    return get16(mad + 4) != 0 ? std::uint16_t{0} : get16(mad + record + 50);
  }
}

}  // namespace weft::broker
