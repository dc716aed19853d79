#include "worker/shell/channel.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace weft::worker {
namespace {

constexpr std::size_t packet_bytes_max = 256 << 10;

Result<sockaddr_un> address_in(int directory, const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/self/fd/{}/{}", directory, name);
  if (path.size() >= sizeof address.sun_path)
    return fail(Code::os_error, path + ": too long for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Fd open_directory(const std::string& path) {
  return Fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

}  // namespace

Received receive_envelope(int fd, Envelope& out, Error& error) {
  // Not cleared: touching all of it would cost each new holder a page fault per 4 KiB.
  static const auto packet = std::make_unique_for_overwrite<std::uint8_t[]>(packet_bytes_max);
  ssize_t n = 0;
  do n = ::recv(fd, packet.get(), packet_bytes_max, MSG_DONTWAIT | MSG_TRUNC);
  while (n < 0 && errno == EINTR);
  if (n < 0) return errno == EAGAIN ? Received::nothing : Received::closed;
  if (n == 0) return Received::closed;
  if (static_cast<std::size_t>(n) > packet_bytes_max) {
    error = {Code::wire_limit, fmt::format("a packet of {} bytes", n)};
    return Received::bad;
  }
  auto decoded = decode_envelope(std::span(packet.get(), static_cast<std::size_t>(n)));
  if (!decoded) {
    error = decoded.error();
    return Received::bad;
  }
  out = std::move(*decoded);
  return Received::message;
}

Result<void> send_envelope(int fd, const Envelope& envelope) {
  const Blob bytes = encode(envelope);
  ssize_t n = 0;
  do n = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n >= 0) return {};
  if (errno == EAGAIN) return fail(Code::broker_busy, "the peer does not read");
  return tl::make_unexpected(errno_error(Code::os_error, "send", errno));
}

Result<Fd> listen_at(const std::string& directory, const std::string& name, unsigned mode) {
  const std::string path = directory + "/" + name;
  Fd folder = open_directory(directory);
  if (!folder) return tl::make_unexpected(errno_error(Code::state_dir, directory, errno));
  auto address = address_in(folder.get(), name);
  if (!address) return tl::make_unexpected(address.error());
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return tl::make_unexpected(errno_error(Code::os_error, "socket", errno));
  ::unlinkat(folder.get(), name.c_str(), 0);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 ||
      ::fchmodat(folder.get(), name.c_str(), mode, 0) != 0 || ::listen(fd.get(), 512) != 0)
    return tl::make_unexpected(errno_error(Code::state_dir, path, errno));
  return fd;
}

Result<Fd> connect_at(const std::string& directory, const std::string& name) {
  Fd folder = open_directory(directory);
  if (!folder) return tl::make_unexpected(errno_error(Code::state_dir, directory, errno));
  auto address = address_in(folder.get(), name);
  if (!address) return tl::make_unexpected(address.error());
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd ||
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
    return tl::make_unexpected(errno_error(Code::os_error, directory + "/" + name, errno));
  return fd;
}

std::optional<Fd> accept_from(int listener) {
  Fd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) return std::nullopt;
  return fd;
}

}  // namespace weft::worker
