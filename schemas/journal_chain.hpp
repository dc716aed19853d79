// The journal's hash chain: what makes a changed, lost or added record show. Broker and client
// compute it the same way; docs/specs/004-journal.md.
#pragma once
#include <span>

#include "base/digest.hpp"
#include "base/ids.hpp"

namespace weft {

// SHA-256(sum of the record before, seq as 8 bytes little endian, body). Before record 1 stands a
// sum of zeros.
inline Digest chain_sum(const Digest& before, Seq seq, std::span<const std::uint8_t> body) {
  Hasher hasher;
  hasher.add(std::span<const std::uint8_t>(before.data));
  hasher.add(seq.value);
  hasher.add(body);
  return hasher.finish();
}

}  // namespace weft
