#include "broker/shell/frame_link.hpp"

#include <errno.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace weft::broker {
namespace {
Error link_error(const char* doing) {
  return {Code::os_error, fmt::format("gateway link: {}: {}", doing, std::strerror(errno))};
}
}  // namespace

FrameLink::FrameLink(int fd) : fd_(fd) {
  const int bytes = 1 << 20;
  if (setsockopt(fd_, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
    setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}
FrameLink::~FrameLink() { close(fd_); }

void FrameLink::send(const FrameHeader& header, std::span<const std::uint8_t> payload) {
  add_frame(out_, header, payload);
}

Result<void> FrameLink::flush() {
  while (out_begin_ < out_.size()) {
    const ssize_t sent = ::send(fd_, out_.data() + out_begin_, out_.size() - out_begin_,
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (sent < 0) return tl::make_unexpected(link_error("send"));
    out_begin_ += static_cast<std::size_t>(sent);
    taken_bytes_ += static_cast<std::uint64_t>(sent);
  }
  if (out_begin_ == out_.size()) {
    out_.clear();
    if (out_.capacity() > 4 << 20) out_.shrink_to_fit();
    out_begin_ = 0;
  } else if (out_begin_ > out_.size() / 2) {
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_begin_));
    out_begin_ = 0;
  }
  return {};
}

Result<void> FrameLink::flush_all() {
  for (;;) {
    if (auto sent = flush(); !sent || out_bytes() == 0) return sent;
    pollfd writable{fd_, POLLOUT, 0};
    poll(&writable, 1, 1'000);
  }
}

Result<bool> FrameLink::receive() {
  const auto room = reader_.room();
  const ssize_t got = recv(fd_, room.data(), room.size(), MSG_DONTWAIT);
  if (got > 0) {
    reader_.filled(static_cast<std::size_t>(got));
    return true;
  }
  if (got == 0 || errno == ECONNRESET) return false;
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return true;
  return tl::make_unexpected(link_error("receive"));
}

}  // namespace weft::broker
