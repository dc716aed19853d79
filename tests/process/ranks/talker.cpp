// A rank that speaks only the worker's socket: says hello, prints what it hears, comes again when
// the line breaks. usage: weft-test-talker [RANK that it claims to be]
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "schemas/codec.hpp"

namespace {

int connect_to(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

// False: the line is broken.
bool hear(int fd) {
  static std::uint8_t packet[1 << 16];
  const ssize_t n = recv(fd, packet, sizeof packet, 0);
  if (n <= 0) return false;
  const auto envelope = weft::decode_envelope({packet, static_cast<std::size_t>(n)});
  const auto* hears = envelope ? std::get_if<weft::RankHears>(&envelope->body) : nullptr;
  if (hears == nullptr) return true;
  if (const auto* seed = std::get_if<weft::MeshSeed>(&hears->body))
    std::printf("seed of %zu bytes\n", seed->address.size());
  if (const auto* ended = std::get_if<weft::PeerEnded>(&hears->body))
    std::printf("peer %u %s\n", ended->who.rank, std::string(to_string(ended->who.code)).c_str());
  if (const auto* stop = std::get_if<weft::StopAttempt>(&hears->body)) {
    std::printf("stop %s\n", std::string(to_string(stop->blame.code)).c_str());
    std::exit(0);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  weft::RankHello hello;
  hello.attempt = {std::strtoull(std::getenv("WEFT_ATTEMPT"), nullptr, 10)};
  hello.rank = static_cast<std::uint32_t>(std::atoi(argc > 1 ? argv[1] : std::getenv("RANK")));
  hello.address = {1, 2, 3};
  weft::Envelope envelope;
  envelope.body = weft::RankSays{hello};
  const weft::Blob bytes = weft::encode(envelope);
  for (;;) {
    const int fd = connect_to(std::getenv("WEFT_WORKER"));
    if (fd >= 0 && send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
      std::puts("connected");
      while (hear(fd)) {
      }
      std::puts("cut off");
      if (argc > 1) return 9;
    }
    if (fd >= 0) close(fd);
    poll(nullptr, 0, 10);
  }
}
