#include "tests/transport/worker_side.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "base/assert.hpp"
#include "schemas/codec.hpp"

namespace weft::test {

WorkerSide::WorkerSide(std::string folder, std::size_t nodes, AttemptId attempt,
                       std::uint32_t generation)
    : folder_(std::move(folder)),
      attempt_(attempt),
      generation_(generation),
      listeners_(nodes, -1) {
  for (std::size_t node = 0; node < nodes; ++node) listen_on(node);
  thread_ = std::thread([this] { run(); });
}

WorkerSide::~WorkerSide() {
  stop_ = true;
  thread_.join();
  for (const int fd : listeners_) ::close(fd);
  for (const auto& line : lines_) ::close(line.fd);
  for (std::size_t node = 0; node < listeners_.size(); ++node) unlink(socket_of(node).c_str());
}

std::string WorkerSide::socket_of(std::size_t node) const {
  return folder_ + "/worker-" + std::to_string(node) + ".sock";
}

void WorkerSide::listen_on(std::size_t node) {
  const auto path = socket_of(node);
  unlink(path.c_str());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  WEFT_ASSERT(path.size() < sizeof address.sun_path, path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  WEFT_ASSERT(
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && listen(fd, 64) == 0,
      path);
  listeners_[node] = fd;
}

void WorkerSide::run() {
  while (!stop_) {
    std::vector<pollfd> fds;
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : listeners_) fds.push_back({fd, POLLIN, 0});
      for (const auto& line : lines_) fds.push_back({line.fd, POLLIN, 0});
    }
    poll(fds.data(), fds.size(), 10);
    const std::lock_guard lock(mutex_);
    for (std::size_t node = 0; node < listeners_.size(); ++node)
      if (const int fd = accept4(listeners_[node], nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
          fd >= 0)
        lines_.push_back({fd, node, 0, false});
    for (auto& line : lines_) hear(line);
    std::erase_if(lines_, [](const Line& line) { return line.fd < 0; });
  }
}

void WorkerSide::hear(Line& line) {
  std::uint8_t packet[limits::rank_address_bytes_max + 1'024];
  for (;;) {
    const auto size = recv(line.fd, packet, sizeof packet, 0);
    if (size < 0) return;
    if (size == 0) {
      ::close(line.fd);
      line.fd = -1;
      return;
    }
    const auto envelope = decode_envelope({packet, static_cast<std::size_t>(size)});
    WEFT_ASSERT(envelope, "a rank said something malformed");
    const auto& body = std::get<RankSays>(envelope->body).body;
    if (const auto* hello = std::get_if<RankHello>(&body)) {
      line.rank = hello->rank;
      line.hello = true;
      ++hellos_[hello->rank];
      if (hello->rank == 0 && seed_.empty()) {
        seed_ = hello->address;
        if (!withhold_)
          for (const auto& other : lines_)
            if (other.hello) tell(other, MeshSeed{attempt_, generation_, seed_});
      } else if (!seed_.empty() && !withhold_) {
        tell(line, MeshSeed{attempt_, generation_, seed_});
      }
    } else if (const auto* blames = std::get_if<RankBlames>(&body)) {
      blames_.push_back(*blames);
    } else if (const auto* progress = std::get_if<RankProgress>(&body)) {
      progress_.push_back(*progress);
    } else if (std::holds_alternative<RankBye>(body)) {
      byes_.push_back(line.rank);
    }
  }
}

void WorkerSide::tell(const Line& line, const RankHearsBody& body) {
  Envelope envelope;
  envelope.body = RankHears{body};
  const auto bytes = encode(envelope);
  (void)!::send(line.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

void WorkerSide::tell_all(const RankHearsBody& body) {
  const std::lock_guard lock(mutex_);
  for (const auto& line : lines_)
    if (line.hello) tell(line, body);
}

void WorkerSide::restart(std::size_t node) {
  const std::lock_guard lock(mutex_);
  ::close(listeners_[node]);
  for (auto& line : lines_)
    if (line.node == node) {
      ::close(line.fd);
      line.fd = -1;
    }
  std::erase_if(lines_, [](const Line& line) { return line.fd < 0; });
  listen_on(node);
}

std::vector<RankBlames> WorkerSide::blames() {
  const std::lock_guard lock(mutex_);
  return blames_;
}
std::vector<RankProgress> WorkerSide::progress() {
  const std::lock_guard lock(mutex_);
  return progress_;
}
std::vector<std::uint32_t> WorkerSide::byes() {
  const std::lock_guard lock(mutex_);
  return byes_;
}
int WorkerSide::hellos(std::uint32_t rank) {
  const std::lock_guard lock(mutex_);
  return hellos_[rank];
}
std::vector<std::uint8_t> WorkerSide::seed() {
  const std::lock_guard lock(mutex_);
  return seed_;
}

}  // namespace weft::test
