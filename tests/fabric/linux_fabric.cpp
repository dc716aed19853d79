#include "tests/fabric/linux_fabric.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "broker/shell/drivers/linux/places.hpp"

namespace weft::test {
namespace {

constexpr std::uint16_t port = 7777;

// A descriptor of a socket that belongs to the host; -1 when it can't be made.
int socket_at(const std::string& space, int type, int patience_ms, int protocol = 0) {
  int out = -1;
  const auto made = netns::inside(space, [&]() -> Result<void> {
    out = ::socket(AF_INET, type | SOCK_CLOEXEC, protocol);
    return {};
  });
  EXPECT_TRUE(made) << to_string(made.error());
  const timeval patience{patience_ms / 1'000, patience_ms % 1'000 * 1'000};
  setsockopt(out, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(out, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);  // of connect too
  const int yes = 1;
  setsockopt(out, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  return out;
}

sockaddr_in at(const std::string& address) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  inet_pton(AF_INET, address.c_str(), &out.sin_addr);
  return out;
}

const sockaddr* plain(const sockaddr_in& a) { return reinterpret_cast<const sockaddr*>(&a); }

}  // namespace

fabric::Tree eight_hosts() { return {2, 4, 1, 2, 1}; }

fabric::Placed slice_one() {
  fabric::Placed out{1, {fabric::Shape::pod, 4, {}, {}}, 0};
  out.cut.leaves = {{0, 0b01, 0b01}, {1, 0b10, 0b01}, {2, 0b01, 0b01}, {3, 0b10, 0b01}};
  return out;
}
fabric::Placed slice_two() {
  fabric::Placed out{2, {fabric::Shape::pod, 4, {}, {}}, 0};
  out.cut.leaves = {{0, 0b10, 0b10}, {1, 0b01, 0b10}, {2, 0b10, 0b10}, {3, 0b01, 0b10}};
  return out;
}

std::string text(const fabric::VerifyReport& report) {
  std::string out = fmt::format("{} differences\n", report.differences.size());
  for (const auto& d : report.differences) out += fmt::format("slice {}: {}\n", d.slice, d.what);
  return out;
}

void LinuxFabric::SetUp() {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make network namespaces";
  ASSERT_TRUE(netns::possible()) << "root, but network namespaces can't be made here";
}

void LinuxFabric::build(const fabric::Tree& tree, std::uint32_t levels,
                        netns::BuildOptions options) {
  tag_ = fmt::format("t{}", getpid());
  fabric_ = fabric::generate(tree, levels);
  const auto built = netns::build(fabric_, tag_, options);
  ASSERT_TRUE(built) << to_string(built.error());
  auto driver = open_linux_driver(fabric_, tag_);
  ASSERT_TRUE(driver) << to_string(driver.error());
  driver_ = std::move(*driver);
}

void LinuxFabric::TearDown() {
  driver_.reset();
  if (tag_.empty()) return;
  const auto gone = netns::demolish(tag_);
  EXPECT_TRUE(gone) << to_string(gone.error());
  EXPECT_EQ(left_over(), std::vector<std::string>{});
}

std::vector<std::string> LinuxFabric::left_over() const {
  return netns::with_prefix("weft-" + tag_ + "-");
}

Applied LinuxFabric::apply(std::vector<fabric::Placed> slices, fabric::Cut failed) {
  Transition target;
  target.epoch = Epoch{1};
  for (const auto& slice : slices) target.fresh.push_back(slice.slice);
  target.slices = std::move(slices);
  target.failed = std::move(failed);
  auto applied = driver_->apply(target);
  EXPECT_TRUE(applied) << to_string(applied.error());
  return applied ? *applied : Applied{};
}

std::vector<FabricEvent> LinuxFabric::events(FabricEvent::What what, Duration patience) {
  std::vector<FabricEvent> out;
  for (std::int64_t left = patience.ms; left > 0 && out.empty(); left -= 500) {
    auto heard = driver_->watch(milliseconds(500));
    EXPECT_TRUE(heard) << to_string(heard.error());
    if (!heard) break;
    for (auto& event : *heard)
      if (event.what == what) out.push_back(std::move(event));
  }
  return out;
}

std::string LinuxFabric::address(std::uint32_t host) const {
  return netns::dotted(netns::Places(fabric_, tag_).address(host));
}

bool LinuxFabric::udp(std::uint32_t from, std::uint32_t to, int patience_ms) const {
  const int client = socket_at(netns::space_of_host(tag_, from), SOCK_DGRAM, patience_ms);
  const int server = socket_at(netns::space_of_host(tag_, to), SOCK_DGRAM, patience_ms);
  const auto there = at(address(to));
  sockaddr_in back{};
  socklen_t bytes = sizeof back;
  char word[8] = "weft";
  bool good =
      bind(server, plain(there), sizeof there) == 0 &&
      sendto(client, word, 4, 0, plain(there), sizeof there) == 4 &&
      recvfrom(server, word, sizeof word, 0, reinterpret_cast<sockaddr*>(&back), &bytes) == 4 &&
      sendto(server, word, 4, 0, plain(back), bytes) == 4;
  good = good && recv(client, word, sizeof word, 0) == 4;
  close(client);
  close(server);
  return good;
}

bool LinuxFabric::ping(std::uint32_t from, std::uint32_t to, int patience_ms) const {
  const int fd = socket_at(netns::space_of_host(tag_, from), SOCK_RAW, patience_ms, IPPROTO_ICMP);
  const auto there = at(address(to));
  const std::uint8_t echo[8] = {ICMP_ECHO, 0, 0xf7, 0xff, 0, 0, 0, 0};  // type, code, checksum
  bool good = connect(fd, plain(there), sizeof there) == 0 && send(fd, echo, 8, 0) == 8;
  std::uint8_t packet[64] = {};
  good = good && recv(fd, packet, sizeof packet, 0) == 28 && packet[20] == ICMP_ECHOREPLY;
  close(fd);
  return good;
}

int LinuxFabric::tcp(std::uint32_t from, std::uint32_t to, int patience_ms) const {
  const int client = socket_at(netns::space_of_host(tag_, from), SOCK_STREAM, patience_ms);
  const int server = socket_at(netns::space_of_host(tag_, to), SOCK_STREAM, patience_ms);
  const auto there = at(address(to));
  EXPECT_EQ(bind(server, plain(there), sizeof there), 0);
  EXPECT_EQ(listen(server, 1), 0);
  const int error = ::connect(client, plain(there), sizeof there) == 0 ? 0 : errno;
  close(client);
  close(server);
  return error;
}

void LinuxFabric::lie(std::uint32_t from, std::uint32_t as, std::uint32_t to) const {
  const int fd = socket_at(netns::space_of_host(tag_, from), SOCK_RAW, 100, IPPROTO_RAW);
  struct {
    iphdr ip{};
    udphdr udp{};
  } packet;
  packet.ip.version = 4;
  packet.ip.ihl = 5;
  packet.ip.ttl = 64;
  packet.ip.protocol = IPPROTO_UDP;
  packet.ip.saddr = at(address(as)).sin_addr.s_addr;
  packet.ip.daddr = at(address(to)).sin_addr.s_addr;
  packet.udp.dest = htons(port);
  packet.udp.len = htons(8);
  const auto there = at(address(to));
  EXPECT_EQ(sendto(fd, &packet, 28, 0, plain(there), sizeof there), 28) << std::strerror(errno);
  close(fd);
}

std::uint64_t LinuxFabric::packets_on_uplinks(std::uint64_t up_mask) const {
  const auto links = netns::count_links(fabric_, tag_);
  EXPECT_TRUE(links) << to_string(links.error());
  std::uint64_t out = 0;
  for (const auto& link : *links)
    for (const auto& leaf : link.link.leaves)
      if ((leaf.up & up_mask) != 0) out += link.packets_up + link.packets_down;
  return out;
}

}  // namespace weft::test
