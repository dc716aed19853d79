// What a sweep of collectives measures: nccl-tests' flags as plain values, and the words in which
// the client hands them to the ranks. Pure. Thread: any.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "transport/core/types.hpp"

namespace weft::transport::bench {

enum class Operation : std::uint8_t {
  all_reduce,
  all_gather,
  reduce_scatter,
  broadcast,
  reduce,
  alltoall,
  gather,
  scatter
};
inline constexpr std::size_t operations = 8;
std::string_view to_string(Operation operation);

// nccl-tests' words: int8, uint8, int32, int64, half, float, double, bfloat16; and bool.
std::string_view to_string(DataType type);
std::string_view to_string(ReduceOp op);

struct Spec {
  Operation operation = Operation::all_reduce;
  std::uint64_t bytes_min = 32 << 20, bytes_max = 32 << 20;
  std::uint64_t step_bytes = 1 << 20, factor = 0;  // factor 0: steps of step_bytes
  std::uint32_t iterations = 20, warmup = 1, aggregated = 1, checks = 1;
  std::vector<ReduceOp> reductions{ReduceOp::sum};
  std::vector<DataType> types{DataType::f32};
  std::uint32_t root = 0;
  std::uint32_t average = 1;  // time of: 0 rank 0, 1 mean, 2 least, 3 most of the ranks
  bool per_iteration = false;
  bool plant_wrong = false;  // one wrong value on the last rank, to see that it is found
  bool operator==(const Spec&) const = default;
};

// From the client's command line. Errors: usage, naming the word and what would be right.
Result<Operation> parse_operation(std::string_view text);  // also allreduce, reducescatter, ..
Result<std::vector<DataType>> parse_types(std::string_view text);       // "all" too
Result<std::vector<ReduceOp>> parse_reductions(std::string_view text);  // "all" too
Result<std::uint64_t> parse_bytes(std::string_view text);  // 8, 64K, 32M, 1G: powers of two
Result<void> check(const Spec& spec);

// name=value, and back.
std::vector<std::string> words_of(const Spec& spec);
Result<Spec> spec_of(const std::vector<std::string>& words);

constexpr bool reduces(Operation o) {
  return o == Operation::all_reduce || o == Operation::reduce_scatter || o == Operation::reduce;
}
constexpr bool has_root(Operation o) {
  return o == Operation::broadcast || o == Operation::reduce || o == Operation::gather ||
         o == Operation::scatter;
}
// The call's count of elements for `bytes`, and the bytes that a row then names: the larger of what
// a rank sends and receives, in blocks of 16 bytes where each rank has one.
struct Shape {
  std::uint64_t bytes = 0, count = 0;
};
Shape shape_of(Operation operation, std::uint64_t bytes, DataType type, std::uint32_t ranks);
// busbw = algbw * this. Source: nccl-tests, doc/PERFORMANCE.md.
double bus_factor(Operation operation, std::uint32_t ranks);
std::vector<std::uint64_t> sizes_of(const Spec& spec);

}  // namespace weft::transport::bench
