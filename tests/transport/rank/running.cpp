// Scenarios about how operations run: started ones, several threads, allocations, speed.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <thread>

#include "tests/transport/rank/scenarios.hpp"
#include "tests/transport/rank/values.hpp"

namespace {
std::atomic<unsigned long long> allocations{0};
}

// Counts what our own C++ code allocates; UCX has its own pools in C. Not inlined: GCC would see
// one half of a pair only and warn of a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace weft::test {

int started(const Arguments&) {
  const auto mesh = join_or_say();
  if (!mesh) return 3;
  constexpr std::size_t buckets = 12, count = 50'000;
  std::vector<std::vector<float>> data(buckets, std::vector<float>(count));
  for (int round = 0; round < 5; ++round) {
    std::vector<Work> works;
    for (std::size_t b = 0; b < buckets; ++b) {
      std::fill(data[b].begin(), data[b].end(), static_cast<float>(mesh->rank() + b));
      works.push_back(mesh->start_all_reduce(data[b].data(), data[b].data(), count, DataType::f32,
                                             ReduceOp::sum));
    }
    if (round % 2 == 1) {  // the progress thread must do it alone
      const auto end = monotonic_ms() + 20'000;
      while (!works.back().done() && monotonic_ms() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (!works.back().done()) {
        std::printf("wrong: started operations do not run by themselves\n");
        return 4;
      }
    }
    for (std::size_t i = 0; i < buckets; ++i) {
      const auto b = buckets - 1 - i;
      if (auto done = works[b].wait(); !done) return say_failure(*mesh, done.error());
      const auto n = static_cast<float>(mesh->size());
      const float expected = n * (n - 1) / 2 + n * static_cast<float>(b);
      if (data[b].front() != expected || data[b].back() != expected) {
        std::printf("wrong bucket %zu: %g, not %g\n", b, static_cast<double>(data[b][0]),
                    static_cast<double>(expected));
        return 4;
      }
    }
  }
  // Dropped without a wait: the destructor waits.
  (void)mesh->start_all_reduce(data[0].data(), data[0].data(), count, DataType::f32, ReduceOp::max);
  auto last = mesh->start_barrier();
  if (auto left = mesh->leave(); !left) return say_failure(*mesh, left.error());
  return last.done() && last.wait() ? 0 : 4;
}

// One of each kind in flight at a time, behind a large one, so that none has run when it is
// started; each reads what the one before it writes.
int every_kind(const Arguments&) {
  const auto mesh = join_or_say();
  if (!mesh) return 3;
  const std::size_t n = mesh->size(), count = 3'000;
  const auto rank = static_cast<std::int64_t>(mesh->rank()), ranks = static_cast<std::int64_t>(n);
  std::vector<float> large(2 << 20, 1.0F);
  std::vector<std::int64_t> all(n * count), part(count), gathered(n * count);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = rank + static_cast<std::int64_t>(i);
  std::vector<Work> works;
  works.push_back(mesh->start_all_reduce(large.data(), large.data(), large.size(), DataType::f32,
                                         ReduceOp::sum));
  works.push_back(
      mesh->start_reduce_scatter(all.data(), part.data(), count, DataType::i64, ReduceOp::sum));
  works.push_back(mesh->start_all_gather(part.data(), gathered.data(), count, DataType::i64));
  works.push_back(
      mesh->start_all_reduce(part.data(), part.data(), count, DataType::i64, ReduceOp::max));
  works.push_back(mesh->start_broadcast(all.data(), all.size(), DataType::i64,
                                        static_cast<std::uint32_t>(n - 1)));
  works.push_back(mesh->start_barrier());
  for (auto work = works.rbegin(); work != works.rend(); ++work)
    if (auto done = work->wait(); !done) return say_failure(*mesh, done.error());
  const auto wrong = [](const char* what, std::size_t i, std::int64_t is, std::int64_t expected) {
    std::printf("wrong %s at %zu: %lld, not %lld\n", what, i, static_cast<long long>(is),
                static_cast<long long>(expected));
    return 4;
  };
  for (std::size_t i = 0; i < gathered.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    const std::int64_t sum = ranks * (ranks - 1) / 2 + ranks * index, sent = ranks - 1 + index;
    if (gathered[i] != sum) return wrong("gathered sum", i, gathered[i], sum);
    if (all[i] != sent) return wrong("broadcast", i, all[i], sent);
  }
  for (std::size_t i = 0; i < count; ++i) {  // the last rank's part has the largest sums
    const std::int64_t largest = gathered[(n - 1) * count + i];
    if (part[i] != largest) return wrong("maximum", i, part[i], largest);
  }
  if (large.front() != static_cast<float>(n)) return 4;
  return mesh->leave() ? 0 : 4;
}

int threads(const Arguments&) {
  const auto mesh = join_or_say();
  if (!mesh) return 3;
  // One thread starts, in the same order on all ranks; others wait.
  std::vector<std::vector<double>> data(8, std::vector<double>(20'000, 1.0));
  std::atomic<int> wrong{0};
  for (int round = 0; round < 10; ++round) {
    std::vector<std::jthread> waiting;
    for (auto& d : data) {
      std::fill(d.begin(), d.end(), 1.0);
      waiting.emplace_back([&wrong, &d, &mesh,
                            work = mesh->start_all_reduce(d.data(), d.data(), d.size(),
                                                          DataType::f64, ReduceOp::sum)]() mutable {
        if (!work.wait() || d.back() != mesh->size()) wrong.fetch_add(1);
      });
    }
  }
  if (wrong.load() != 0) {
    std::printf("wrong %d of 80\n", wrong.load());
    return 4;
  }
  return mesh->leave() ? 0 : 3;
}

int steady(const Arguments&) {
  const auto mesh = join_or_say();
  if (!mesh) return 3;
  std::vector<float> in(1 << 20, 1.0f), out((1 << 20) * mesh->size());
  const auto round = [&](std::size_t count) -> Result<void> {
    if (auto r = mesh->all_reduce(in.data(), out.data(), count, DataType::f32, ReduceOp::sum); !r)
      return r;
    if (auto r = mesh->start_all_reduce(in.data(), out.data(), count, DataType::f32, ReduceOp::avg)
                     .wait();
        !r)
      return r;
    if (auto r = mesh->all_gather(in.data(), out.data(), count, DataType::f32); !r) return r;
    if (auto r = mesh->reduce_scatter(out.data(), in.data(), count / mesh->size(), DataType::f32,
                                      ReduceOp::max);
        !r)
      return r;
    if (auto r = mesh->broadcast(in.data(), count, DataType::f32, 0); !r) return r;
    return mesh->barrier();
  };
  const auto rounds = [&](int times) -> Result<void> {
    for (int i = 0; i < times; ++i)
      for (const std::size_t count :
           {std::size_t{2}, std::size_t{1'000}, std::size_t{1} << 16, in.size()})
        if (auto r = round(count); !r) return r;
    return {};
  };
  if (auto r = rounds(30); !r) return say_failure(*mesh, r.error());
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const auto allocated = allocations.load();
  if (auto r = rounds(20); !r) return say_failure(*mesh, r.error());
  const auto allocations_now = allocations.load() - allocated;
  getrusage(RUSAGE_SELF, &after);
  std::printf("allocations %llu\nfaults %ld\nresident_kib %ld\n", allocations_now,
              after.ru_minflt - before.ru_minflt, after.ru_maxrss);
  return mesh->leave() ? 0 : 3;
}

int speed(const Arguments& arguments) {
  const auto mesh = join_or_say();
  if (!mesh) return 3;
  for (const auto& argument : arguments) {
    const auto bytes = static_cast<std::size_t>(std::stoull(argument));
    std::vector<float> in(bytes / 4 + 1, 1.0f), out(bytes / 4 + 1);
    const int times = bytes <= 65'536 ? 2'000 : bytes <= (4u << 20) ? 100 : 10;
    for (int phase = 0; phase < 2; ++phase) {
      const auto begin = std::chrono::steady_clock::now();
      for (int i = 0; i < (phase == 0 ? times / 10 + 1 : times); ++i)
        if (auto r =
                mesh->all_reduce(in.data(), out.data(), bytes / 4, DataType::f32, ReduceOp::sum);
            !r)
          return say_failure(*mesh, r.error());
      const std::chrono::duration<double, std::micro> took =
          std::chrono::steady_clock::now() - begin;
      if (phase == 1 && mesh->rank() == 0)
        std::printf("us %zu %.2f\n", bytes, took.count() / times);
    }
  }
  return mesh->leave() ? 0 : 3;
}

}  // namespace weft::test
