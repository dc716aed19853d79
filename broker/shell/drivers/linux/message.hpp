// Messages to and from the kernel's network stack (rtnetlink, RFC 3549; linux/netlink.h): a builder
// and a reader of attributes. Thread: any. Errors: none; what is malformed is left out.
#pragma once
#include <linux/netlink.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weft::broker::netns {

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 3) & ~std::size_t{3}; }

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

}  // namespace weft::broker::netns
