// The digest of any mirror struct: every field, in order, into a Hasher.
#pragma once
#include <type_traits>
#include <variant>
#include <vector>

#include "base/digest.hpp"
#include "schemas/envelope.hpp"

namespace weft {

class DigestVisitor {
 public:
  explicit DigestVisitor(Hasher& hasher) : hasher_(hasher) {}

  template <class T>
  void operator()(const char*, const T& value, std::size_t = 0) {
    add(value);
  }
  template <class... T>
  void choice(const std::variant<T...>& value) {
    hasher_.add(static_cast<std::uint64_t>(value.index()));
    std::visit([this](const auto& arm) { add(arm); }, value);
  }

 private:
  void add(const std::monostate&) {}
  void add(const std::string& text) { hasher_.add(std::string_view(text)); }
  void add(Instant t) { hasher_.add(static_cast<std::uint64_t>(t.ms)); }
  void add(Duration d) { hasher_.add(static_cast<std::uint64_t>(d.ms)); }
  void add(Money m) { hasher_.add(static_cast<std::uint64_t>(m.micros)); }
  void add(Price p) { hasher_.add(static_cast<std::uint64_t>(p.micros)); }
  template <class Tag>
  void add(Id<Tag> id) {
    hasher_.add(id.value);
  }
  template <class T>
  void add(const std::vector<T>& list) {
    hasher_.add(static_cast<std::uint64_t>(list.size()));
    for (const T& item : list) add(item);
  }
  template <class T>
  void add(const T& value) {
    if constexpr (std::is_integral_v<T> || std::is_enum_v<T>)
      hasher_.add(static_cast<std::uint64_t>(value));
    else if constexpr (requires { T::byte_count; })
      hasher_.add(std::span<const std::uint8_t>(value.data));
    else
      T::fields(value, *this);
  }
  Hasher& hasher_;
};

template <class T>
void add_to(Hasher& hasher, const T& value) {
  T::fields(value, DigestVisitor(hasher));
}
template <class T>
Digest digest_of(const T& value) {
  Hasher hasher;
  add_to(hasher, value);
  return hasher.finish();
}

}  // namespace weft
