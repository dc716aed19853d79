// A socket to the kernel's network stack (rtnetlink, RFC 3549), without a library.
// A socket belongs for good to the network namespace of the thread that opened it, whichever thread
// uses it later. Thread: one at a time per socket. Errors: os.error, with the kernel's own words
// where it gives them; what may be refused in normal work comes back as an errno.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "broker/shell/drivers/linux/message.hpp"

namespace weft::broker::netns {

class Netlink {
 public:
  // groups: a mask of RTMGRP_*; such a socket doesn't wait when it is read.
  static Result<Netlink> open(std::uint32_t groups = 0);
  Netlink(Netlink&& other) noexcept;
  Netlink& operator=(Netlink&& other) noexcept;
  ~Netlink();
  int fd() const { return fd_; }

  // 0, or the errno that the kernel refused with.
  Result<int> attempt(Request& request);
  Result<void> ask(Request& request, std::string_view what);  // `what` names it in an error
  Result<std::vector<Message>> dump(Request& request);
  struct Answer {
    int error = 0;  // errno; then there is no message
    Message message;
  };
  Result<Answer> query(Request& request);
  // Notifications that are there; `lost`: the kernel dropped some.
  std::vector<Message> notifications(bool& lost);

 private:
  explicit Netlink(int fd) : fd_(fd) {}
  Result<std::uint32_t> send(Request& request);
  Result<std::span<const std::uint8_t>> receive();
  Result<int> collect(std::uint32_t sequence, bool multi, std::vector<Message>& out);

  int fd_ = -1;
  std::uint32_t sequence_ = 0;
  std::vector<std::uint8_t> buffer_;
  std::string said_;  // by the kernel, with its last refusal
};

}  // namespace weft::broker::netns
