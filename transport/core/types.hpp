// What an operation is: the words that every layer of the transport shares. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace weft {

enum class DataType : std::uint8_t { f32, f64, i32, i64 };
enum class ReduceOp : std::uint8_t { sum, prod, min, max, avg };
constexpr std::size_t size_of(DataType type) {
  return type == DataType::f32 || type == DataType::i32 ? 4 : 8;
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
  leave
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
  return kind == Kind::all_reduce || kind == Kind::reduce_scatter;
}
constexpr bool moves_data(Kind kind) { return kind <= Kind::broadcast; }

// "all_reduce of 1024 f32, sum": for error texts.
std::string to_string(const Call& call);

}  // namespace weft::transport
