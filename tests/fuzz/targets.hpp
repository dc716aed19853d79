// Every decoder of weft's, as a function of bytes that must neither crash nor break its promise:
// what is accepted encodes and decodes to the same value. One libFuzzer program each (cmake
// --preset fuzz), and replayed over tests/fuzz/corpus by an ordinary test.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace weft::fuzz {

struct Target {
  std::string_view name;
  void (*run)(std::span<const std::uint8_t> bytes);
};
std::span<const Target> targets();

}  // namespace weft::fuzz
