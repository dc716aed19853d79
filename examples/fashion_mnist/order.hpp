// In which order an epoch visits the images, the same on every rank and in every run: our own
// generator and shuffle, because the standard library's may differ between versions.
#pragma once
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace fashion {

class SplitMix {  // Steele, Lea, Flood: "Fast splittable pseudorandom number generators"
 public:
  explicit SplitMix(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  float uniform() { return static_cast<float>(next() >> 40) * 0x1.0p-24F; }  // [0, 1)

 private:
  std::uint64_t state_;
};

inline std::vector<std::uint32_t> shuffled(std::uint32_t count, std::uint64_t seed,
                                           std::uint64_t epoch) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  SplitMix random(seed ^ (epoch + 1) * 0xD1342543DE82EF95ULL);
  for (std::uint32_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.next() % i]);
  return order;
}

}  // namespace fashion
