// One end of the socketpair between the core's process and a gateway: frames in, frames out, never
// blocking, both directions bounded by their users (out_bytes(), and by not calling receive()).
// Owns: the descriptor. Thread: one.
#pragma once
#include <functional>
#include <span>

#include "broker/shell/frame.hpp"

namespace weft::broker {

class FrameLink {
 public:
  explicit FrameLink(int fd);
  ~FrameLink();
  FrameLink(const FrameLink&) = delete;
  FrameLink& operator=(const FrameLink&) = delete;

  int fd() const { return fd_; }
  // Queues; flush() writes. Nothing is lost while the peer lives.
  void send(const FrameHeader& header, std::span<const std::uint8_t> payload);
  [[nodiscard]] Result<void> flush();      // as much as the socket takes
  [[nodiscard]] Result<void> flush_all();  // blocks until everything is out
  std::size_t out_bytes() const { return out_.size() - out_begin_; }
  std::uint64_t taken_bytes() const { return taken_bytes_; }  // by the socket, ever
  // Reads once. False: the peer is gone.
  [[nodiscard]] Result<bool> receive();
  [[nodiscard]] Result<std::optional<FrameView>> next() { return reader_.next(); }

 private:
  int fd_;
  FrameReader reader_;
  std::vector<std::uint8_t> out_;
  std::size_t out_begin_ = 0;
  std::uint64_t taken_bytes_ = 0;
};

}  // namespace weft::broker
