// weft-probe: what a worker starts for an acceptance probe of a slice. It talks to the worker over
// the socket that is its standard input, in envelopes of schemas/worker.hpp: says ProbeOpened, gets
// ProbeRun as often as the broker likes, says ProbeDone for each, ends with ProbeEnd or when the
// worker closes the socket.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstring>

#include "schemas/codec.hpp"
#include "transport/probe/prober.hpp"

namespace weft::transport {
namespace {

constexpr int control = STDIN_FILENO;
constexpr std::size_t packet_bytes_max = 512 << 10;
constexpr unsigned spins = 100;  // polls before sleeping
constexpr int sleep_ms = 5;      // while a run is under way
constexpr std::chrono::seconds life_max{600};

bool say(ReportBody body) {
  Envelope envelope;
  envelope.body = Report{std::move(body)};
  const Blob bytes = encode(envelope);
  return ::send(control, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

// False: it is over.
bool obey(Prober& prober) {
  static std::vector<std::uint8_t> packet(packet_bytes_max);
  while (true) {
    const ssize_t size = ::recv(control, packet.data(), packet.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (size <= 0) return false;
    auto envelope = decode_envelope({packet.data(), static_cast<std::size_t>(size)});
    const auto* order = envelope ? std::get_if<Order>(&envelope->body) : nullptr;
    if (order == nullptr || std::holds_alternative<ProbeEnd>(order->body)) return false;
    if (const auto* run = std::get_if<ProbeRun>(&order->body)) {
      if (run->to.size() != run->from.size()) return false;
      if (!prober.begin(*run)) return false;
    }
  }
}

void wait(Prober& prober) {
  if (!prober.network().arm()) return;
  pollfd fds[2] = {{control, POLLIN, 0}, {prober.network().event_fd(), POLLIN, 0}};
  ::poll(fds, 2, prober.running() ? sleep_ms : 1'000);
}

int serve(std::uint64_t ticket, std::uint32_t nodes, const std::string& interface) {
  auto prober = Prober::open(nodes, interface);
  ProbeOpened opened;
  opened.ticket = ticket;
  if (auto address = prober ? (*prober)->address() : tl::make_unexpected(prober.error())) {
    opened.address = std::move(*address);
    if (opened.address.size() > limits::probe_address_bytes_max) {
      opened.code = Code::mesh_rendezvous;
      opened.detail = fmt::format(
          "its UCX address has {} bytes; name the slice's devices with "
          "UCX_NET_DEVICES in fabric.options",
          opened.address.size());
      opened.address.clear();
    }
  } else {
    opened.code = address.error().code;
    opened.detail = address.error().detail;
  }
  const bool good = opened.code == Code::none;
  if (!say(std::move(opened)) || !good) return 1;
  const auto end = std::chrono::steady_clock::now() + life_max;
  unsigned idle = 0;
  while (std::chrono::steady_clock::now() < end) {
    if (!obey(**prober)) return 0;
    idle = (*prober)->step() ? 0 : idle + 1;
    if (auto done = (*prober)->take_done(); done && !say(std::move(*done))) return 1;
    if (idle > spins) wait(**prober);
  }
  return 1;
}

template <class T>
bool number(const char* text, T& out) {
  const char* end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, out);
  return error == std::errc{} && rest == end;
}

}  // namespace
}  // namespace weft::transport

int main(int argc, char** argv) {
  std::uint64_t ticket = 0;
  std::uint32_t nodes = 0;
  int type = 0;
  socklen_t size = sizeof type;
  const bool right = argc == 4 && weft::transport::number(argv[1], ticket) &&
                     weft::transport::number(argv[2], nodes) && nodes > 1 &&
                     nodes <= weft::limits::nodes_per_job_max &&
                     ::getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
                     type == SOCK_SEQPACKET;
  if (!right) {
    fmt::print(stderr,
               "weft-probe: a weft-worker starts it to measure a slice; it is not for people.\n"
               "usage: weft-probe TICKET NODES INTERFACE, with a SOCK_SEQPACKET socket to the "
               "worker as standard input\n");
    return 2;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  return weft::transport::serve(ticket, nodes, argv[3]);
}
