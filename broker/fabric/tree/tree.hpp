// A rail of the fabric as the allocator sees it: a fat tree XGFT(3; m1,m2,m3; 1,w2,w3) of hosts,
// leaves, L2 switches and spines, numbered densely. (Öhring, Ibel, Das, Kumar: On Generalized Fat
// Trees, IPPS 1995.)
// Leaf l is leaf l % m2 of pod l / m2. L2 switch i of every pod reaches the same w3 spines: tree i.
// Thread: any. Errors: what radix and shape allow is checked by `problem`.
#pragma once
#include <bit>
#include <cstdint>
#include <string>

namespace weft::broker::fabric {

struct Tree {
  std::uint32_t hosts_per_leaf = 0;  // m1
  std::uint32_t leaves_per_pod = 0;  // m2
  std::uint32_t pods = 0;            // m3
  std::uint32_t l2_per_pod = 0;      // w2: uplinks of a leaf
  std::uint32_t spines_per_l2 = 0;   // w3: uplinks of an L2 switch
  bool operator==(const Tree&) const = default;

  std::uint32_t leaves() const { return leaves_per_pod * pods; }
  std::uint32_t hosts() const { return leaves() * hosts_per_leaf; }
  std::uint32_t l2() const { return l2_per_pod * pods; }
  std::uint32_t spines() const { return l2_per_pod * spines_per_l2; }
  std::uint32_t pod_of(std::uint32_t leaf) const { return leaf / leaves_per_pod; }
};

// Empty, or why the allocator can't hold it: each count is 1 to 64 (one word of bits).
std::string problem(const Tree& tree);

// The full tree of switches with `radix` ports. Three levels: m1 = m2 = w2 = w3 = radix / 2,
// m3 = radix. Two: one pod of `radix` leaves. radix: even, 4 to 64 (at most 65,536 hosts).
Tree tree_of_radix(std::uint32_t radix, std::uint32_t levels = 3);

// Set bits. Without the instruction, which the oldest x86-64 lacks, std::popcount is a call of a
// library function, and searches do little else: so it is spelled out.
constexpr std::uint32_t count(std::uint64_t mask) {
#if defined(__x86_64__) && !defined(__POPCNT__)
  mask -= mask >> 1 & 0x5555555555555555U;
  mask = (mask & 0x3333333333333333U) + (mask >> 2 & 0x3333333333333333U);
  mask = (mask + (mask >> 4)) & 0x0f0f0f0f0f0f0f0fU;
  return static_cast<std::uint32_t>(mask * 0x0101010101010101U >> 56);
#else
  return static_cast<std::uint32_t>(std::popcount(mask));
#endif
}
// The number of the lowest set bit, which is then cleared. mask: not 0.
constexpr std::uint32_t next(std::uint64_t& mask) {
  const auto bit = static_cast<std::uint32_t>(std::countr_zero(mask));
  mask &= mask - 1;
  return bit;
}
// The lowest `n` set bits of `mask`; all of it if it has fewer.
std::uint64_t lowest(std::uint64_t mask, std::uint32_t n);
// The lowest `n` bits. n: 0 to 64.
constexpr std::uint64_t ones(std::uint32_t n) {
  return n >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
}

}  // namespace weft::broker::fabric
