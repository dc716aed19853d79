// A fabric's life at random: slices of several policies come and go, elements fail and return. For
// the tests that look at whatever states come up.
#pragma once
#include <random>
#include <vector>

#include "broker/fabric/tree/allocator.hpp"

namespace weft::broker::fabric {

class RandomState {
 public:
  // `most`: the largest slice that is asked for; the smallest is 1.
  RandomState(const Tree& tree, std::vector<Policy> policies, std::uint32_t most,
              std::uint64_t seed);

  void step();
  const Masks& masks() const { return masks_; }
  // The state with more elements taken: each that is free with a chance drawn for its kind.
  Masks thinned();
  const std::vector<Cut>& slices() const { return slices_; }  // the live ones
  std::uint32_t below(std::size_t n) { return static_cast<std::uint32_t>(random_() % n); }

 private:
  void fail();

  Masks masks_;
  std::vector<Policy> policies_;
  std::uint32_t most_;
  std::mt19937_64 random_;
  std::vector<Cut> slices_, failed_;
};

}  // namespace weft::broker::fabric
