// What a sweep puts into its buffers, and what has to come out: small whole numbers, of which every
// sum and product is exact in every type whatever the order, so that a check needs no tolerance.
// Pure. Thread: any.
#pragma once
#include <cstddef>
#include <cstdint>

#include "transport/bench/spec.hpp"

namespace weft::transport::bench {

// `count` as the call counts; buffers as transport/mesh.hpp describes them.
struct Case {
  Operation operation{};
  DataType type{};
  ReduceOp op{};
  std::uint64_t count = 0;
  std::uint32_t rank = 0, ranks = 1, root = 0;
};
std::uint64_t in_elements(const Case& c);   // 0: this rank gives nothing
std::uint64_t out_elements(const Case& c);  // 0: this rank gets nothing

void fill_in(const Case& c, void* in);

struct Wrong {  // the first one
  std::uint64_t elements = 0, index = 0;
  double got = 0, expected = 0;
};
Wrong compare_out(const Case& c, const void* out);
// Makes the first element of `out` another value.
void plant(const Case& c, void* out);

}  // namespace weft::transport::bench
