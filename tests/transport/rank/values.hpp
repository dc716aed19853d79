// Inputs that every rank can compute for every rank, and the reference that follows from them.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

#include "transport/collectives/halves.hpp"
#include "transport/mesh.hpp"

namespace weft::test {

// Types that C++ lacks, as their bytes.
struct F16 {
  std::uint16_t bits = 0;
  F16() = default;
  explicit F16(double value) : bits(transport::to_f16(static_cast<float>(value))) {}
  explicit operator float() const { return transport::from_f16(bits); }
  bool operator==(const F16&) const = default;
};
struct Bf16 {
  std::uint16_t bits = 0;
  Bf16() = default;
  explicit Bf16(double value) : bits(transport::to_bf16(static_cast<float>(value))) {}
  explicit operator float() const { return transport::from_bf16(bits); }
  bool operator==(const Bf16&) const = default;
};
struct Boolean {
  std::uint8_t byte = 0;
  Boolean() = default;
  explicit Boolean(int value) : byte(value > 0 ? 1 : 0) {}
  bool operator==(const Boolean&) const = default;
};
template <class T>
inline constexpr bool is_half = std::is_same_v<T, F16> || std::is_same_v<T, Bf16>;

// Small whole numbers: sums and products of up to nine ranks are exact in every type.
template <class T>
T whole(std::uint32_t rank, std::uint64_t index) {
  return static_cast<T>(static_cast<int>((rank * 7 + index * 3) % 5) - 2);
}
// Fractions whose sums depend on the order of adding.
template <class T>
T fraction(std::uint32_t rank, std::uint64_t index) {
  std::uint64_t x = (index + 1) * 0x9e3779b97f4a7c15ull ^ (rank + 1) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 31)) * 0x94d049bb133111ebull;
  return static_cast<T>(static_cast<double>(x >> 11) * 0x1p-53 - 0.5);
}

template <class T>
T combine(ReduceOp op, T a, T b) {
  if constexpr (is_half<T>) {
    return T(static_cast<double>(combine(op, static_cast<float>(a), static_cast<float>(b))));
  } else if constexpr (std::is_same_v<T, Boolean>) {
    const bool both = op == ReduceOp::prod || op == ReduceOp::min;
    return Boolean(both ? a.byte & b.byte : a.byte | b.byte);
  } else {
    switch (op) {
      case ReduceOp::prod: return static_cast<T>(a * b);
      case ReduceOp::min: return a < b ? a : b;
      case ReduceOp::max: return a > b ? a : b;
      case ReduceOp::sum:
      case ReduceOp::avg: break;
    }
    return static_cast<T>(a + b);
  }
}
template <class T>
T reference(ReduceOp op, std::uint32_t size, std::uint64_t index) {
  T value = whole<T>(0, index);
  for (std::uint32_t rank = 1; rank < size; ++rank)
    value = combine(op, value, whole<T>(rank, index));
  if (op != ReduceOp::avg) return value;
  if constexpr (is_half<T>)
    return T(static_cast<double>(static_cast<float>(value) * (1.0f / static_cast<float>(size))));
  else if constexpr (std::is_floating_point_v<T>)
    return value * (T{1} / static_cast<T>(size));
  else if constexpr (std::is_same_v<T, Boolean>)
    return value;
  else
    return static_cast<T>(value / static_cast<T>(size));
}

template <class T>
constexpr DataType type_of() {
  if constexpr (std::is_same_v<T, float>) return DataType::f32;
  if constexpr (std::is_same_v<T, double>) return DataType::f64;
  if constexpr (std::is_same_v<T, std::int32_t>) return DataType::i32;
  if constexpr (std::is_same_v<T, F16>) return DataType::f16;
  if constexpr (std::is_same_v<T, Bf16>) return DataType::bf16;
  if constexpr (std::is_same_v<T, std::int8_t>) return DataType::i8;
  if constexpr (std::is_same_v<T, std::uint8_t>) return DataType::u8;
  if constexpr (std::is_same_v<T, Boolean>) return DataType::boolean;
  return DataType::i64;
}

inline std::uint64_t bits_of(const void* data, std::size_t bytes,
                             std::uint64_t hash = 14695981039346656037ull) {
  const auto* p = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < bytes; ++i) hash = (hash ^ p[i]) * 1099511628211ull;
  return hash;
}

}  // namespace weft::test
