// Plain loops that the compiler vectorises (this file is built with -O3), one copy per instruction
// set, chosen when the program is loaded.
#include "transport/collectives/reduce.hpp"

#include <type_traits>

#include "transport/collectives/halves.hpp"

// Function multiversioning resolves through ifunc before sanitizers are ready: not there.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define WEFT_CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define WEFT_CLONES
#endif

namespace weft::transport {
namespace {

template <class T>
using Wrapping = typename std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>,
                                             std::type_identity<T>>::type;

template <class T>
inline T add(T a, T b) {
  return static_cast<T>(static_cast<Wrapping<T>>(a) + static_cast<Wrapping<T>>(b));
}
template <class T>
inline T multiply(T a, T b) {
  return static_cast<T>(static_cast<Wrapping<T>>(a) * static_cast<Wrapping<T>>(b));
}
template <class T>
inline T lesser(T a, T b) {
  return (a < b || a != a) ? a : b;
}
template <class T>
inline T greater(T a, T b) {
  return (a > b || a != a) ? a : b;
}

// target_clones does not reach into templates, so each combination is a function of its own.
// `target` may equal an operand but never overlaps one in part, hence ivdep.
#define WEFT_KERNEL(name, T, expression)                                               \
  WEFT_CLONES void name(const T* left, const T* right, T* target, std::size_t count) { \
    _Pragma("GCC ivdep") for (std::size_t i = 0; i < count; ++i) {                     \
      const T a = left[i], b = right[i];                                               \
      target[i] = expression;                                                          \
    }                                                                                  \
  }
// Through f32.
#define WEFT_HALF_KERNEL(name, from, to, expression)                           \
  WEFT_CLONES void name(const std::uint16_t* left, const std::uint16_t* right, \
                        std::uint16_t* target, std::size_t count) {            \
    _Pragma("GCC ivdep") for (std::size_t i = 0; i < count; ++i) {             \
      const float a = from(left[i]), b = from(right[i]);                       \
      target[i] = to(expression);                                              \
    }                                                                          \
  }
#define WEFT_HALF_KERNELS(suffix)                                                           \
  WEFT_HALF_KERNEL(sum_##suffix, from_##suffix, to_##suffix, add(a, b))                     \
  WEFT_HALF_KERNEL(prod_##suffix, from_##suffix, to_##suffix, multiply(a, b))               \
  WEFT_HALF_KERNEL(min_##suffix, from_##suffix, to_##suffix, lesser(a, b))                  \
  WEFT_HALF_KERNEL(max_##suffix, from_##suffix, to_##suffix, greater(a, b))                 \
  WEFT_CLONES void scale_##suffix(std::uint16_t* target, float factor, std::size_t count) { \
    for (std::size_t i = 0; i < count; ++i)                                                 \
      target[i] = to_##suffix(from_##suffix(target[i]) * factor);                           \
  }
#define WEFT_KERNELS(suffix, T)                 \
  WEFT_KERNEL(sum_##suffix, T, add(a, b))       \
  WEFT_KERNEL(prod_##suffix, T, multiply(a, b)) \
  WEFT_KERNEL(min_##suffix, T, lesser(a, b))    \
  WEFT_KERNEL(max_##suffix, T, greater(a, b))

WEFT_KERNELS(f32, float)
WEFT_KERNELS(f64, double)
WEFT_KERNELS(i32, std::int32_t)
WEFT_KERNELS(i64, std::int64_t)
WEFT_KERNELS(i8, std::int8_t)
WEFT_KERNELS(u8, std::uint8_t)
WEFT_HALF_KERNELS(f16)
WEFT_HALF_KERNELS(bf16)
WEFT_KERNEL(either, std::uint8_t, static_cast<std::uint8_t>((a | b) != 0))
WEFT_KERNEL(both, std::uint8_t, static_cast<std::uint8_t>(a != 0 && b != 0))

WEFT_CLONES void scale_f32(float* target, float factor, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) target[i] *= factor;
}
WEFT_CLONES void scale_f64(double* target, double factor, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) target[i] *= factor;
}
template <class T>
void divide_integers(T* target, std::size_t count, std::uint32_t size) {
  for (std::size_t i = 0; i < count; ++i)
    target[i] =
        static_cast<T>(static_cast<std::int64_t>(target[i]) / static_cast<std::int64_t>(size));
}

template <class T>
using Kernel = void (*)(const T*, const T*, T*, std::size_t);

template <class T>
void run(ReduceOp op, Kernel<T> sum, Kernel<T> prod, Kernel<T> min, Kernel<T> max, const void* left,
         const void* right, void* target, std::size_t count) {
  const auto* a = static_cast<const T*>(left);
  const auto* b = static_cast<const T*>(right);
  auto* t = static_cast<T*>(target);
  switch (op) {
    case ReduceOp::sum:
    case ReduceOp::avg: return sum(a, b, t, count);
    case ReduceOp::prod: return prod(a, b, t, count);
    case ReduceOp::min: return min(a, b, t, count);
    case ReduceOp::max: return max(a, b, t, count);
  }
}

}  // namespace

void reduce(ReduceOp op, DataType type, const void* left, const void* right, void* target,
            std::size_t count) {
  switch (type) {
    case DataType::f32:
      return run<float>(op, sum_f32, prod_f32, min_f32, max_f32, left, right, target, count);
    case DataType::f64:
      return run<double>(op, sum_f64, prod_f64, min_f64, max_f64, left, right, target, count);
    case DataType::i32:
      return run<std::int32_t>(op, sum_i32, prod_i32, min_i32, max_i32, left, right, target, count);
    case DataType::i64:
      return run<std::int64_t>(op, sum_i64, prod_i64, min_i64, max_i64, left, right, target, count);
    case DataType::f16:
      return run<std::uint16_t>(op, sum_f16, prod_f16, min_f16, max_f16, left, right, target,
                                count);
    case DataType::bf16:
      return run<std::uint16_t>(op, sum_bf16, prod_bf16, min_bf16, max_bf16, left, right, target,
                                count);
    case DataType::i8:
      return run<std::int8_t>(op, sum_i8, prod_i8, min_i8, max_i8, left, right, target, count);
    case DataType::u8:
      return run<std::uint8_t>(op, sum_u8, prod_u8, min_u8, max_u8, left, right, target, count);
    case DataType::boolean:
      return run<std::uint8_t>(op, either, both, both, either, left, right, target, count);
  }
}

void divide(DataType type, void* target, std::size_t count, std::uint32_t size) {
  switch (type) {
    case DataType::f32:
      return scale_f32(static_cast<float*>(target), 1.0f / static_cast<float>(size), count);
    case DataType::f64:
      return scale_f64(static_cast<double*>(target), 1.0 / static_cast<double>(size), count);
    case DataType::i32: return divide_integers(static_cast<std::int32_t*>(target), count, size);
    case DataType::i64: return divide_integers(static_cast<std::int64_t*>(target), count, size);
    case DataType::f16:
      return scale_f16(static_cast<std::uint16_t*>(target), 1.0f / static_cast<float>(size), count);
    case DataType::bf16:
      return scale_bf16(static_cast<std::uint16_t*>(target), 1.0f / static_cast<float>(size),
                        count);
    case DataType::i8: return divide_integers(static_cast<std::int8_t*>(target), count, size);
    case DataType::u8: return divide_integers(static_cast<std::uint8_t*>(target), count, size);
    case DataType::boolean: return;  // refused before it gets here
  }
}

}  // namespace weft::transport
