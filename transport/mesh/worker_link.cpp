#include "transport/mesh/worker_link.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "schemas/codec.hpp"

namespace weft::transport {

WorkerLink::WorkerLink(std::string path, RankHello hello)
    : path_(std::move(path)),
      hello_(std::move(hello)),
      packet_(limits::rank_address_bytes_max + 1'024) {}

WorkerLink::~WorkerLink() { close(); }

void WorkerLink::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void WorkerLink::tick(std::int64_t now) {
  if (path_.empty() || now < next_try_) return;
  next_try_ = now + retry_ms;
  if (fd_ >= 0) return say_kept();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) {
    trouble_ = "the path is longer than a unix socket's may be";
    return;
  }
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  const std::lock_guard lock(mutex_);
  fd_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0 || connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      !send(hello_)) {
    trouble_ = std::strerror(errno);
    return close();
  }
  std::erase_if(kept_, [this](const RankSaysBody& body) { return send(body); });
}

// What did not fit into the socket when it was said.
void WorkerLink::say_kept() {
  const std::lock_guard lock(mutex_);
  std::erase_if(kept_, [this](const RankSaysBody& body) { return send(body); });
}

bool WorkerLink::send(const RankSaysBody& body) {
  Envelope envelope;
  envelope.body = RankSays{body};
  const auto bytes = encode(envelope);
  return fd_ >= 0 && ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                         static_cast<ssize_t>(bytes.size());
}

bool WorkerLink::say(const RankSaysBody& body, bool keep) {
  if (path_.empty()) return true;
  const std::lock_guard lock(mutex_);
  if (send(body)) return true;
  if (keep && kept_.size() < kept_max) kept_.push_back(body);
  return false;
}

std::optional<RankHearsBody> WorkerLink::hear() {
  while (fd_ >= 0) {
    const auto size = recv(fd_, packet_.data(), packet_.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
    if (size <= 0) {  // the worker went away; it will be back, or its word comes another way
      trouble_ = size == 0 ? "the worker closed the line" : std::strerror(errno);
      const std::lock_guard lock(mutex_);
      close();
      return std::nullopt;
    }
    auto envelope = decode_envelope({packet_.data(), static_cast<std::size_t>(size)});
    if (!envelope) continue;  // a newer worker's message; nothing here depends on it
    if (auto* hears = std::get_if<RankHears>(&envelope->body)) return std::move(hears->body);
  }
  return std::nullopt;
}

}  // namespace weft::transport
