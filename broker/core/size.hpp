// About how many bytes a mirror struct takes on the wire: to cut lists before a reply is too large.
#pragma once
#include <cstddef>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace weft::broker {

class SizeVisitor {
 public:
  template <class T>
  void operator()(const char*, const T& value, std::size_t = 0) {
    add(value);
  }
  template <class... T>
  void choice(const std::variant<T...>& value) {
    std::visit([this](const auto& arm) { add(arm); }, value);
  }
  std::size_t bytes = 16;

 private:
  void add(const std::monostate&) {}
  void add(const std::string& text) { bytes += 16 + text.size(); }
  void add(const std::vector<std::uint8_t>& blob) { bytes += 16 + blob.size(); }
  template <class T>
  void add(const std::vector<T>& list) {
    bytes += 16;
    for (const T& item : list) add(item);
  }
  template <class T>
  void add(const T& value) {
    if constexpr (requires(SizeVisitor v) { T::fields(value, v); }) {
      bytes += 8;
      T::fields(value, *this);
    } else {
      bytes += sizeof(T) < 8 ? 8 : sizeof(T) + (sizeof(T) > 8 ? 8 : 0);
    }
  }
};

template <class T>
std::size_t size_of(const T& value) {
  SizeVisitor v;
  T::fields(value, v);
  return v.bytes;
}

// Room for list items in one reply.
class Room {
 public:
  explicit Room(std::size_t bytes) : left_(bytes) {}
  template <class T>
  bool take(const T& item) {  // false: it does not fit any more
    const std::size_t size = size_of(item);
    if (size > left_) return false;
    left_ -= size;
    return true;
  }

 private:
  std::size_t left_;
};

}  // namespace weft::broker
