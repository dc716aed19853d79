// The arithmetic of reductions on host memory. Thread: any. Nothing is allocated.
// Numerics: integers wrap; min and max of floating point hand a NaN on (a NaN gradient must not be
// hidden), the left operand's where both are; divide() multiplies floating point once by 1/size and
// truncates integers. f16 and bf16 are computed in f32 and rounded once a call. booleans: sum and
// max are "or", prod and min are "and", the result is 0 or 1; they have no avg.
#pragma once
#include <cstddef>
#include <cstdint>

#include "transport/core/types.hpp"

namespace weft::transport {

// target[i] = left[i] op right[i]; avg adds. target may be left or right itself, or be apart.
void reduce(ReduceOp op, DataType type, const void* left, const void* right, void* target,
            std::size_t count);
// target[i] = target[i] / size, the second half of avg.
void divide(DataType type, void* target, std::size_t count, std::uint32_t size);

}  // namespace weft::transport
