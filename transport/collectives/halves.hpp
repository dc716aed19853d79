// The two 16-bit floating-point formats as their bits, to and from f32; branch-free, so that loops
// over them are vectorised without instructions of their own. Rounding: to nearest, ties to even.
// NaN stays NaN; f16 overflows to infinity, and its subnormals are kept. Thread: any.
// Source of the f16 conversions: M. Dukhan, FP16 (2018), after F. Giesen's "half_to_float_fast5".
#pragma once
#include <bit>
#include <cstdint>

namespace weft::transport {

inline float from_f16(std::uint16_t h) {
  const std::uint32_t sign = (h & 0x8000u) << 16, rest = (h & 0x7fffu) << 13;
  // The exponent is moved by a multiplication, which is exact for subnormals, too.
  const float moved = std::bit_cast<float>(rest) * 0x1p112f;
  const std::uint32_t infinite = (h & 0x7c00u) == 0x7c00u ? 0x7f800000u : 0u;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(moved) | infinite | sign);
}

inline std::uint16_t to_f16(float f) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(f), twice = bits + bits;
  const float magnitude = std::bit_cast<float>(bits & 0x7fffffffu);
  const float base = magnitude * 0x1p112f * 0x1p-110f;  // too large becomes infinite
  const std::uint32_t exponent = twice & 0xff000000u;
  const std::uint32_t bias = exponent < 0x71000000u ? 0x71000000u : exponent;
  // The sum rounds to the bits that f16 has.
  const float rounded = std::bit_cast<float>((bias >> 1) + 0x07800000u) + base;
  const std::uint32_t r = std::bit_cast<std::uint32_t>(rounded);
  const std::uint32_t value = ((r >> 13) & 0x7c00u) + (r & 0x0fffu);
  return static_cast<std::uint16_t>((bits >> 16 & 0x8000u) |
                                    (twice > 0xff000000u ? 0x7e00u : value));
}

inline float from_bf16(std::uint16_t b) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(b) << 16);
}

inline std::uint16_t to_bf16(float f) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(f);
  const std::uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
  const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
  return static_cast<std::uint16_t>(nan ? bits >> 16 | 0x40u : rounded);
}

}  // namespace weft::transport
