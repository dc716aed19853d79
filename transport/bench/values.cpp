#include "transport/bench/values.hpp"

#include <array>
#include <bit>
#include <cstring>

#include "transport/collectives/halves.hpp"

namespace weft::transport::bench {
namespace {

constexpr std::uint64_t period = 10;  // of the values over the index

// From -2 to 2; products of many ranks stay 1 or -1.
std::int64_t value_at(const Case& c, std::uint32_t rank, std::uint64_t index) {
  if (c.type == DataType::boolean) return (rank * 3 + index) % 5 != 0 ? 1 : 0;
  if (c.op == ReduceOp::prod && reduces(c.operation)) return (rank + index) % 2 == 0 ? 1 : -1;
  return static_cast<std::int64_t>((rank * 7ull + index * 3) % 5) - 2;
}

template <class T>
std::uint64_t bits(T value) {
  std::uint64_t out = 0;
  std::memcpy(&out, &value, sizeof value);
  return out;
}

// The bytes of a value, in the low end; `of`: divide by it (avg).
std::uint64_t encode(DataType type, std::int64_t v, std::uint32_t of = 1) {
  const float part = static_cast<float>(v) * (1.0f / static_cast<float>(of));
  switch (type) {
    case DataType::f32: return bits(of == 1 ? static_cast<float>(v) : part);
    case DataType::f64:
      return bits(of == 1 ? static_cast<double>(v)
                          : static_cast<double>(v) * (1.0 / static_cast<double>(of)));
    case DataType::f16: return to_f16(of == 1 ? static_cast<float>(v) : part);
    case DataType::bf16: return to_bf16(of == 1 ? static_cast<float>(v) : part);
    case DataType::i32:
      return bits(
          static_cast<std::int32_t>(static_cast<std::int32_t>(v) / static_cast<std::int64_t>(of)));
    case DataType::i64: return bits(v / static_cast<std::int64_t>(of));
    case DataType::i8:
      return bits(
          static_cast<std::int8_t>(static_cast<std::int8_t>(v) / static_cast<std::int64_t>(of)));
    case DataType::u8:
      return bits(
          static_cast<std::uint8_t>(static_cast<std::uint8_t>(v) / static_cast<std::int64_t>(of)));
    case DataType::boolean: return v != 0 ? 1 : 0;
  }
  return 0;
}

double decode(DataType type, std::uint64_t b) {
  const auto as = [&]<class T>(T out) {
    std::memcpy(&out, &b, sizeof out);
    return static_cast<double>(out);
  };
  switch (type) {
    case DataType::f32: return as(0.0f);
    case DataType::f64: return as(0.0);
    case DataType::f16: return from_f16(static_cast<std::uint16_t>(b));
    case DataType::bf16: return from_bf16(static_cast<std::uint16_t>(b));
    case DataType::i32: return as(std::int32_t{});
    case DataType::i64: return as(std::int64_t{});
    case DataType::i8: return as(std::int8_t{});
    case DataType::u8:
    case DataType::boolean: return as(std::uint8_t{});
  }
  return 0;
}

// Small wholes as unsigned bytes wrap before they are compared.
std::int64_t as_held(DataType type, std::int64_t v) {
  return type == DataType::u8 ? static_cast<std::uint8_t>(v) : v;
}

std::uint64_t reduced(const Case& c, std::uint64_t index) {
  std::int64_t out = as_held(c.type, value_at(c, 0, index));
  const bool logical = c.type == DataType::boolean;
  for (std::uint32_t rank = 1; rank < c.ranks; ++rank) {
    const std::int64_t v = as_held(c.type, value_at(c, rank, index));
    switch (c.op) {
      case ReduceOp::sum:
      case ReduceOp::avg: out = logical ? out | v : out + v; break;
      case ReduceOp::prod: out = logical ? out & v : out * v; break;
      case ReduceOp::min: out = out < v ? out : v; break;
      case ReduceOp::max: out = out > v ? out : v; break;
    }
    out = as_held(c.type, out);
  }
  return encode(c.type, out, c.op == ReduceOp::avg ? c.ranks : 1);
}

// Of element `index` of out.
std::uint64_t expected(const Case& c, std::uint64_t index) {
  const std::uint64_t block = c.count == 0 ? 0 : index / c.count, inside = index - block * c.count;
  const auto from = static_cast<std::uint32_t>(block);
  switch (c.operation) {
    case Operation::all_reduce:
    case Operation::reduce: return reduced(c, index);
    case Operation::reduce_scatter: return reduced(c, c.rank * c.count + index);
    case Operation::broadcast: return encode(c.type, value_at(c, c.root, index));
    case Operation::all_gather:
    case Operation::gather: return encode(c.type, value_at(c, from, inside));
    case Operation::scatter: return encode(c.type, value_at(c, c.root, c.rank * c.count + index));
    case Operation::alltoall: return encode(c.type, value_at(c, from, c.rank * c.count + inside));
  }
  return 0;
}

// Elements of a stretch in which expected() repeats after `period`.
std::uint64_t stretch(const Case& c) {
  const bool blocks = c.operation == Operation::all_gather || c.operation == Operation::gather ||
                      c.operation == Operation::alltoall;
  return blocks ? c.count : out_elements(c);
}

}  // namespace

std::uint64_t in_elements(const Case& c) {
  const bool root = c.rank == c.root;
  switch (c.operation) {
    case Operation::reduce_scatter:
    case Operation::alltoall: return c.count * c.ranks;
    case Operation::scatter: return root ? c.count * c.ranks : 0;
    default: return c.count;
  }
}

std::uint64_t out_elements(const Case& c) {
  const bool root = c.rank == c.root;
  switch (c.operation) {
    case Operation::all_gather:
    case Operation::alltoall: return c.count * c.ranks;
    case Operation::gather: return root ? c.count * c.ranks : 0;
    case Operation::reduce: return root ? c.count : 0;
    default: return c.count;
  }
}

void fill_in(const Case& c, void* in) {
  const std::size_t element = size_of(c.type);
  std::array<std::uint64_t, period> values;
  for (std::uint64_t i = 0; i < period; ++i) values[i] = encode(c.type, value_at(c, c.rank, i));
  auto* at = static_cast<std::byte*>(in);
  const std::uint64_t n = in_elements(c);
  for (std::uint64_t i = 0; i < n; ++i) std::memcpy(at + i * element, &values[i % period], element);
}

Wrong compare_out(const Case& c, const void* out) {
  Wrong wrong;
  const std::size_t element = size_of(c.type);
  const auto* at = static_cast<const std::byte*>(out);
  const std::uint64_t n = out_elements(c), part = stretch(c);
  for (std::uint64_t begin = 0; begin < n; begin += part) {
    std::array<std::uint64_t, period> values;
    for (std::uint64_t i = 0; i < period; ++i) values[i] = expected(c, begin + i % part);
    for (std::uint64_t i = 0; i < part; ++i) {
      std::uint64_t got = 0;
      std::memcpy(&got, at + (begin + i) * element, element);
      const std::uint64_t want = values[i % period];
      if (got == want) continue;
      if (wrong.elements++ == 0) {
        wrong.index = begin + i;
        wrong.got = decode(c.type, got);
        wrong.expected = decode(c.type, want);
      }
    }
  }
  return wrong;
}

void plant(const Case& c, void* out) {
  if (out_elements(c) == 0) return;
  auto* at = static_cast<std::byte*>(out);
  at[0] ^= std::byte{1};
}

}  // namespace weft::transport::bench
