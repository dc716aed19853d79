// What an operation is: the words that every layer of the transport shares. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace weft {

// f16: IEEE binary16; bf16: the upper half of an f32; boolean: a byte, 0 is false.
enum class DataType : std::uint8_t { f32, f64, i32, i64, f16, bf16, i8, u8, boolean };
enum class ReduceOp : std::uint8_t { sum, prod, min, max, avg };
constexpr std::size_t size_of(DataType type) {
  switch (type) {
    case DataType::f32:
    case DataType::i32: return 4;
    case DataType::f64:
    case DataType::i64: return 8;
    case DataType::f16:
    case DataType::bf16: return 2;
    case DataType::i8:
    case DataType::u8:
    case DataType::boolean: return 1;
  }
  return 8;
}

}  // namespace weft

namespace weft::transport {

// `join` and `leave` are the barriers at the two ends of a mesh's life.
enum class Kind : std::uint8_t {
  all_reduce,
  reduce_scatter,
  all_gather,
  broadcast,
  barrier,
  join,
  leave,
  reduce,
  gather,
  scatter,
  all_to_all
};

// One call as the user made it. All ranks must make equal calls in equal order: every message
// carries its sender's Call, and a receiver compares it with its own before it touches the data.
struct Call {
  Kind kind{};
  DataType type{};
  ReduceOp op{};
  std::uint32_t root = 0;
  std::uint64_t count = 0;  // elements, as the caller of the public interface counts
  bool operator==(const Call&) const = default;
};

constexpr bool reduces(Kind kind) {
  return kind == Kind::all_reduce || kind == Kind::reduce_scatter || kind == Kind::reduce;
}
constexpr bool has_root(Kind kind) {
  return kind == Kind::broadcast || kind == Kind::reduce || kind == Kind::gather ||
         kind == Kind::scatter;
}
constexpr bool moves_data(Kind kind) { return kind <= Kind::broadcast || kind >= Kind::reduce; }

// "all_reduce of 1024 f32, sum": for error texts.
std::string to_string(const Call& call);

}  // namespace weft::transport
