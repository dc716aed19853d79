// Every schedule, run in memory, against a scalar reference: all sizes to nine ranks, all
// operations and types, in place and apart, odd counts and none, with tunings so small that rings
// and chunks appear at a handful of elements.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/transport/rank/values.hpp"
#include "tests/unit/transport/memory_wire.hpp"

namespace weft::transport::test {
namespace {

using weft::test::fraction;
using weft::test::reference;
using weft::test::type_of;
using weft::test::whole;

template <class T>
bool has(ReduceOp op) {  // booleans have no average
  return op != ReduceOp::avg || type_of<T>() != DataType::boolean;
}
constexpr ReduceOp all_ops[] = {ReduceOp::sum, ReduceOp::prod, ReduceOp::min, ReduceOp::max,
                                ReduceOp::avg};
// Small first: doubling and trees only; then rings and chains in chunks of 8 bytes and of 64.
constexpr Tuning tunings[] = {{},
                              {.small_bytes = 0, .chunk_bytes = 8, .window = 4},
                              {.small_bytes = 16, .chunk_bytes = 64, .window = 3}};

template <class T>
struct Vectors {
  Vectors(std::uint32_t size, std::size_t in_count, std::size_t out_count) : in(size), out(size) {
    for (std::uint32_t r = 0; r < size; ++r) {
      in[r].resize(in_count);
      out[r].resize(out_count);
      for (std::size_t i = 0; i < in_count; ++i) in[r][i] = whole<T>(r, i);
    }
  }
  // Vectors may be empty: then data() may be null, which is fine for zero elements.
  std::vector<MemoryGang::Buffers> apart() {
    std::vector<MemoryGang::Buffers> buffers;
    for (std::size_t r = 0; r < in.size(); ++r) buffers.push_back({in[r].data(), out[r].data()});
    return buffers;
  }
  std::vector<std::vector<T>> in, out;
};

template <class T>
class Plans : public testing::Test {
 protected:
  template <class F>
  void each(F&& f) {
    unsigned seed = 1;
    for (const auto& tuning : tunings)
      for (std::uint32_t size = 1; size <= 9; ++size) {
        gang_ = std::make_unique<MemoryGang>(size, tuning, seed++);
        for (const std::size_t count : {0, 1, 2, 5, 17, 64, 131}) f(*gang_, size, count, tuning);
      }
  }
  std::unique_ptr<MemoryGang> gang_;
};
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// One of each width: the others differ in the arithmetic of one loop, and take minutes to compile.
using Types = testing::Types<float, double, weft::test::F16, weft::test::Boolean>;
#else
using Types = testing::Types<float, double, std::int32_t, std::int64_t, weft::test::F16,
                             weft::test::Bf16, std::int8_t, std::uint8_t, weft::test::Boolean>;
#endif
TYPED_TEST_SUITE(Plans, Types);

TYPED_TEST(Plans, AllReduce) {
  using T = TypeParam;
  this->each([](MemoryGang& gang, std::uint32_t size, std::size_t count, const Tuning& tuning) {
    for (const auto op : all_ops)
      for (const bool in_place : {false, true}) {
        if (!has<T>(op)) continue;
        const Call call{Kind::all_reduce, type_of<T>(), op, 0, count};
        Vectors<T> v(size, count, count);
        auto buffers = v.apart();
        if (in_place)
          for (std::uint32_t r = 0; r < size; ++r) buffers[r] = {v.in[r].data(), v.in[r].data()};
        gang.run(call, in_place, tuning, buffers);
        for (std::uint32_t r = 0; r < size; ++r)
          for (std::size_t i = 0; i < count; ++i)
            ASSERT_EQ((in_place ? v.in : v.out)[r][i], reference<T>(op, size, i))
                << to_string(call) << " rank " << r << " of " << size << " at " << i;
      }
  });
}

TYPED_TEST(Plans, ReduceScatter) {
  using T = TypeParam;
  this->each([](MemoryGang& gang, std::uint32_t size, std::size_t count, const Tuning& tuning) {
    for (const auto op : all_ops) {
      if (!has<T>(op)) continue;
      const Call call{Kind::reduce_scatter, type_of<T>(), op, 0, count};
      Vectors<T> v(size, count * size, count);
      gang.run(call, op == ReduceOp::max, tuning, v.apart());
      for (std::uint32_t r = 0; r < size; ++r)
        for (std::size_t i = 0; i < count; ++i)
          ASSERT_EQ(v.out[r][i], reference<T>(op, size, r * count + i))
              << to_string(call) << " of " << size;
    }
  });
}

TYPED_TEST(Plans, AllGather) {
  using T = TypeParam;
  this->each([](MemoryGang& gang, std::uint32_t size, std::size_t count, const Tuning& tuning) {
    for (const bool in_place : {false, true}) {
      const Call call{Kind::all_gather, type_of<T>(), {}, 0, count};
      Vectors<T> v(size, count, count * size);
      auto buffers = v.apart();
      if (in_place)
        for (std::uint32_t r = 0; r < size; ++r) {
          std::copy(v.in[r].begin(), v.in[r].end(),
                    v.out[r].begin() + static_cast<std::ptrdiff_t>(r * count));
          buffers[r].in = v.out[r].data() + r * count;
        }
      gang.run(call, in_place, tuning, buffers);
      for (std::uint32_t r = 0; r < size; ++r)
        for (std::size_t i = 0; i < count * size; ++i)
          ASSERT_EQ(v.out[r][i], whole<T>(static_cast<std::uint32_t>(i / count), i % count))
              << to_string(call) << " of " << size;
    }
  });
}

TYPED_TEST(Plans, BroadcastFromEveryRoot) {
  using T = TypeParam;
  this->each([](MemoryGang& gang, std::uint32_t size, std::size_t count, const Tuning& tuning) {
    for (std::uint32_t root = 0; root < size; ++root) {
      const Call call{Kind::broadcast, type_of<T>(), {}, root, count};
      Vectors<T> v(size, count, count);
      auto buffers = v.apart();
      for (std::uint32_t r = 0; r < size; ++r) buffers[r] = {v.in[r].data(), v.in[r].data()};
      gang.run(call, root % 2 == 1, tuning, buffers);
      for (std::uint32_t r = 0; r < size; ++r)
        for (std::size_t i = 0; i < count; ++i)
          ASSERT_EQ(v.in[r][i], whole<T>(root, i))
              << to_string(call) << " of " << size << " rank " << r;
    }
  });
}

TYPED_TEST(Plans, ReduceToEveryRoot) {
  using T = TypeParam;
  this->each([](MemoryGang& gang, std::uint32_t size, std::size_t count, const Tuning& tuning) {
    for (std::uint32_t root = 0; root < size; ++root)
      for (const auto op : all_ops) {
        if (!has<T>(op)) continue;
        const bool in_place = (root + static_cast<std::uint32_t>(op)) % 2 == 0;
        const Call call{Kind::reduce, type_of<T>(), op, root, count};
        Vectors<T> v(size, count, count);
        auto buffers = v.apart();
        for (std::uint32_t r = 0; r < size; ++r)
          if (r != root) buffers[r].out = nullptr;  // only the root has one
        if (in_place) buffers[root].out = v.in[root].data();
        gang.run(call, root % 2 == 1, tuning, buffers);
        for (std::size_t i = 0; i < count; ++i)
          ASSERT_EQ((in_place ? v.in : v.out)[root][i], reference<T>(op, size, i))
              << to_string(call) << " of " << size << " at " << i;
      }
  });
}

TYPED_TEST(Plans, GatherToEveryRoot) {
  using T = TypeParam;
  this->each([](MemoryGang& gang, std::uint32_t size, std::size_t count, const Tuning& tuning) {
    for (std::uint32_t root = 0; root < size; ++root) {
      const Call call{Kind::gather, type_of<T>(), {}, root, count};
      Vectors<T> v(size, count, count * size);
      auto buffers = v.apart();
      for (std::uint32_t r = 0; r < size; ++r)
        if (r != root) buffers[r].out = nullptr;
      if (root % 2 == 0) {  // in place
        std::copy(v.in[root].begin(), v.in[root].end(),
                  v.out[root].begin() + static_cast<std::ptrdiff_t>(root * count));
        buffers[root].in = v.out[root].data() + root * count;
      }
      gang.run(call, root % 3 == 1, tuning, buffers);
      for (std::size_t i = 0; i < count * size; ++i)
        ASSERT_EQ(v.out[root][i], whole<T>(static_cast<std::uint32_t>(i / count), i % count))
            << to_string(call) << " of " << size;
    }
  });
}

TYPED_TEST(Plans, ScatterFromEveryRoot) {
  using T = TypeParam;
  this->each([](MemoryGang& gang, std::uint32_t size, std::size_t count, const Tuning& tuning) {
    for (std::uint32_t root = 0; root < size; ++root) {
      const Call call{Kind::scatter, type_of<T>(), {}, root, count};
      Vectors<T> v(size, count * size, count);
      auto buffers = v.apart();
      const bool in_place = root % 2 == 1;
      for (std::uint32_t r = 0; r < size; ++r)
        if (r != root) buffers[r].in = nullptr;
      if (in_place) buffers[root].out = v.in[root].data() + root * count;
      gang.run(call, root % 3 == 1, tuning, buffers);
      for (std::uint32_t r = 0; r < size; ++r)
        for (std::size_t i = 0; i < count; ++i)
          ASSERT_EQ(in_place && r == root ? v.in[r][root * count + i] : v.out[r][i],
                    whole<T>(root, r * count + i))
              << to_string(call) << " of " << size << " rank " << r;
    }
  });
}

TYPED_TEST(Plans, AllToAll) {
  using T = TypeParam;
  this->each([](MemoryGang& gang, std::uint32_t size, std::size_t count, const Tuning& tuning) {
    const Call call{Kind::all_to_all, type_of<T>(), {}, 0, count};
    Vectors<T> v(size, count * size, count * size);
    gang.run(call, count % 2 == 1, tuning, v.apart());
    for (std::uint32_t r = 0; r < size; ++r)
      for (std::size_t i = 0; i < count * size; ++i)
        ASSERT_EQ(v.out[r][i],
                  whole<T>(static_cast<std::uint32_t>(i / count), r * count + i % count))
            << to_string(call) << " of " << size << " rank " << r;
  });
}

// Every f16 and bf16 there is goes to f32 and back as it was, and what lies between two of them
// goes to the nearer one, or to the even one of two equally near.
TEST(Halves, RoundToNearestEven) {
  for (std::uint32_t h = 0; h < 0x10000; ++h) {
    const auto bits = static_cast<std::uint16_t>(h);
    const float f = from_f16(bits), b = from_bf16(bits);
    if (std::isnan(f))
      ASSERT_TRUE(std::isnan(from_f16(to_f16(f))));
    else
      ASSERT_EQ(to_f16(f), bits) << h;
    if (std::isnan(b))
      ASSERT_TRUE(std::isnan(from_bf16(to_bf16(b))));
    else
      ASSERT_EQ(to_bf16(b), bits) << h;
    if (h >= 0x7bff) continue;  // positive and finite, and so is the next one
    const float next = from_f16(static_cast<std::uint16_t>(h + 1));
    const float middle = f + (next - f) / 2;
    ASSERT_EQ(to_f16(middle), (h & 1) == 0 ? h : h + 1) << h;
    ASSERT_EQ(to_f16(std::nextafterf(middle, 0)), h) << h;
    ASSERT_EQ(to_f16(std::nextafterf(middle, 1e9f)), h + 1) << h;
  }
  EXPECT_EQ(to_f16(65'519.f), 0x7bff);
  EXPECT_EQ(to_f16(65'520.f), 0x7c00) << "infinite";
  EXPECT_EQ(to_f16(-1e30f), 0xfc00);
  EXPECT_EQ(from_f16(0x0001), 0x1p-24f);
  EXPECT_EQ(to_f16(-0.0f), 0x8000);
  EXPECT_EQ(to_bf16(0x1.01p0f), 0x3f80) << "a tie goes to the even one";
  EXPECT_EQ(to_bf16(0x1.03p0f), 0x3f82);
}

// Sums of fractions depend on the order of adding, and the order must be the same everywhere,
// always.
TEST(Numerics, AllRanksGetTheSameBitsInEveryRun) {
  for (const auto& tuning : tunings)
    for (std::uint32_t size = 2; size <= 9; ++size)
      for (const auto op : {ReduceOp::sum, ReduceOp::avg, ReduceOp::prod}) {
        std::vector<float> first;
        for (unsigned seed = 1; seed <= 3; ++seed) {
          MemoryGang gang(size, tuning, seed);
          Vectors<float> v(size, 131, 131);
          for (std::uint32_t r = 0; r < size; ++r)
            for (std::size_t i = 0; i < 131; ++i) v.in[r][i] = fraction<float>(r, i);
          gang.run({Kind::all_reduce, DataType::f32, op, 0, 131}, false, tuning, v.apart());
          if (first.empty()) first = v.out[0];
          for (std::uint32_t r = 0; r < size; ++r)
            ASSERT_EQ(std::memcmp(v.out[r].data(), first.data(), 131 * 4), 0)
                << size << " ranks, rank " << r;
        }
      }
}

TEST(Numerics, SignedZeroAndNotANumberSurvive) {
  for (const auto& tuning : tunings) {
    MemoryGang gang(4, tuning, 7);
    Vectors<double> v(4, 40, 40);
    for (auto& in : v.in) std::fill(in.begin(), in.end(), -0.0);
    v.in[2][5] = std::numeric_limits<double>::quiet_NaN();
    for (const auto op : {ReduceOp::sum, ReduceOp::min, ReduceOp::max}) {
      gang.run({Kind::all_reduce, DataType::f64, op, 0, 40}, false, tuning, v.apart());
      for (const auto& out : v.out)
        for (std::size_t i = 0; i < 40; ++i)
          EXPECT_TRUE(i == 5 ? std::isnan(out[i]) : out[i] == 0 && std::signbit(out[i])) << out[i];
    }
  }
}

TEST(Numerics, IntegersWrapAndTruncate) {
  MemoryGang gang(3, {}, 1);
  Vectors<std::int32_t> v(3, 2, 2);
  for (auto& in : v.in) in = {INT32_MAX, -1};
  gang.run({Kind::all_reduce, DataType::i32, ReduceOp::sum, 0, 2}, false, {}, v.apart());
  EXPECT_EQ(v.out[0][0], static_cast<std::int32_t>(3u * static_cast<unsigned>(INT32_MAX)));
  gang.run({Kind::all_reduce, DataType::i32, ReduceOp::prod, 0, 2}, false, {}, v.apart());
  EXPECT_EQ(v.out[1][0], INT32_MAX);
  v.in = {{-1, 5}, {-1, 1}, {0, 1}};
  gang.run({Kind::all_reduce, DataType::i32, ReduceOp::avg, 0, 2}, false, {}, v.apart());
  EXPECT_EQ(v.out[2], (std::vector<std::int32_t>{0, 2}));
}

TEST(Choice, DependsOnWhatAllRanksKnow) {
  const Tuning tuning;
  const auto chosen = [&](Kind kind, std::uint64_t count, std::uint32_t size) {
    return choose({kind, DataType::f32, ReduceOp::sum, 0, count}, size, tuning);
  };
  EXPECT_EQ(chosen(Kind::all_reduce, 1 << 20, 1), Algorithm::local);
  EXPECT_EQ(chosen(Kind::all_reduce, 16'384, 4), Algorithm::doubling);
  EXPECT_EQ(chosen(Kind::all_reduce, 16'385, 4), Algorithm::ring_all_reduce);
  EXPECT_EQ(chosen(Kind::broadcast, 16'384, 4), Algorithm::tree);
  EXPECT_EQ(chosen(Kind::broadcast, 16'385, 4), Algorithm::chain);
  EXPECT_EQ(chosen(Kind::barrier, 0, 4), Algorithm::dissemination);
}

// A schedule of any length is a few numbers: scratch stays the same.
TEST(Choice, ScratchDoesNotGrowWithTheMessage) {
  const Tuning tuning;
  for (const std::uint64_t count : {1'000ull, 1'000'000ull, 10'000'000'000ull}) {
    const auto plan =
        make_plan({Kind::all_reduce, DataType::f64, ReduceOp::sum, 0, count}, 3, 8, false, tuning);
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(plan.steps, 1'000); ++i) {
      const auto step =
          step_at(plan, i * (plan.steps / std::min<std::uint64_t>(plan.steps, 1'000)));
      if (step.receive.where != Where::scratch) continue;
      EXPECT_LT(step.receive.slot, tuning.window);
      EXPECT_LE(step.receive.count * 8, slot_bytes(tuning));
    }
  }
}

}  // namespace
}  // namespace weft::transport::test
