// The only source of chance in a simulated run: splitmix64, so that a seed means the same run
// everywhere.
#pragma once
#include <cstdint>
#include <vector>

#include "base/time.hpp"

namespace weft::sim {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
  std::int64_t between(std::int64_t low, std::int64_t high) {  // both included
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
  }
  Duration span(std::int64_t low_ms, std::int64_t high_ms) { return {between(low_ms, high_ms)}; }
  bool chance(std::uint32_t per_mille) { return below(1'000) < per_mille; }
  template <class T>
  const T& pick(const std::vector<T>& list) {
    return list[below(list.size())];
  }
  // A stream of its own: what one actor draws does not shift what another draws.
  Random split() { return Random(next()); }

 private:
  std::uint64_t state_;
};

}  // namespace weft::sim
