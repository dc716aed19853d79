// Messages to the kernel's network stack (rtnetlink, RFC 3549; linux/netlink.h, linux/rtnetlink.h),
// without a library: a builder, a socket and a reader of attributes.
// A socket belongs for good to the network namespace of the thread that opened it, whichever thread
// uses it later. Thread: one at a time per socket. Errors: os.error, with the kernel's own words
// where it gives them; what may be refused in normal work comes back as an errno.
#pragma once
#include <linux/netlink.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace weft::broker::netns {

class Request {
 public:
  Request(std::uint16_t type, std::uint16_t flags);  // NLM_F_REQUEST is added
  template <class T>
  void head(const T& of_family) {  // rtmsg, ifinfomsg, ..: once, before the attributes
    raw(&of_family, sizeof of_family);
  }
  void put(std::uint16_t attribute, const void* data, std::size_t bytes);
  void put(std::uint16_t attribute, std::uint32_t value) { put(attribute, &value, sizeof value); }
  void put(std::uint16_t attribute, std::string_view text);  // with its final zero
  std::size_t open(std::uint16_t attribute);                 // nested, until close()
  void close(std::size_t opened);
  void raw(const void* data, std::size_t bytes);  // padded to 4

  std::span<std::uint8_t> finish(std::uint32_t sequence);

 private:
  std::vector<std::uint8_t> bytes_;
};

struct Message {
  std::uint16_t type = 0;
  std::vector<std::uint8_t> payload;
  template <class T>
  T head() const {
    T out{};
    if (payload.size() >= sizeof(T))
      std::copy_n(payload.data(), sizeof(T), reinterpret_cast<std::uint8_t*>(&out));
    return out;
  }
};

// The attributes after a head of that size; those above 63 and what is malformed are left out.
class Attributes {
 public:
  Attributes(const Message& message, std::size_t head_bytes);
  explicit Attributes(std::span<const std::uint8_t> nested);
  std::uint32_t number(std::size_t attribute) const;  // host order; 0 where there is none
  bool has(std::size_t attribute) const { return found_[attribute].data() != nullptr; }
  std::string text(std::size_t attribute) const;
  std::span<const std::uint8_t> bytes(std::size_t attribute) const { return found_[attribute]; }

 private:
  void read(std::span<const std::uint8_t> all);
  std::array<std::span<const std::uint8_t>, 64> found_;
};

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
