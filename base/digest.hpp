// SHA-256 (FIPS 180-4), by libsodium. For the journal's hash chain and for state digests.
// Thread: any; a Hasher belongs to one thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/ids.hpp"

namespace weft {

class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void add(std::span<const std::uint8_t> bytes);
  void add(std::string_view text);  // length first, so that "ab","c" differs from "a","bc"
  void add(std::uint64_t number);   // 8 bytes, little endian
  Digest finish();                  // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest sha256(std::span<const std::uint8_t> bytes);

}  // namespace weft
