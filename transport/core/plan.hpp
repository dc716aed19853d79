// A collective as a schedule: who sends, receives, sums what, in which order, as data. Pure: a plan
// is a few numbers, a step is computed from its index, so a schedule of any length needs no memory.
//
// How a schedule is run (collectives/executor.cpp; the tests run it in memory): at most `window`
// steps are in flight. Steps are posted in order, each once the step named by `after` is complete;
// they complete in order too. A step is complete when its message is received, its local work is
// done (in the order of the steps) and its own message no longer needs its buffer.
//
// Numerics: every element is summed once, or by partners that add the same two values with the
// lower ranks' operand first; nothing depends on the order of arrival. So all ranks get the same
// bits, and equal calls on equal ranks get the same bits in every run.
#pragma once
#include <cstdint>

#include "transport/core/types.hpp"

namespace weft::transport {

// All ranks must choose alike: these numbers are compared when ranks join.
struct Tuning {
  std::uint64_t small_bytes = 64 << 10;  // up to here latency counts: doubling, binomial tree
  std::uint64_t chunk_bytes =
      256 << 10;             // pieces of a large message; a chunk stays in a core's cache
  std::uint32_t window = 4;  // steps in flight, and chunks of scratch
  std::uint32_t synchronise_every = 16;  // bound on how far a broadcasting root may run ahead
  bool operator==(const Tuning&) const = default;
};
// Scratch that any plan needs, whatever its size: `window` slots of slot_bytes().
constexpr std::uint64_t slot_bytes(const Tuning& tuning) {
  return tuning.small_bytes > tuning.chunk_bytes ? tuning.small_bytes : tuning.chunk_bytes;
}

enum class Where : std::uint8_t { in, out, scratch };
struct Piece {
  Where where{};
  std::uint32_t slot = 0;    // of scratch
  std::uint64_t offset = 0;  // elements from the start of the buffer (or slot)
  std::uint64_t count = 0;
};

enum class Local : std::uint8_t { none, copy, reduce };
struct Step {
  std::int64_t after = -1;  // index of the step that must be complete first; -1: none
  std::int64_t to = -1, from = -1;
  std::uint64_t send_message = 0, receive_message = 0;  // sender and receiver count them alike
  Piece send, receive;
  Local local = Local::none;
  bool local_after_send = false;  // the local work overwrites what is being sent
  bool scale = false;             // avg: the sums of `target` are complete, divide them
  Piece left, right, target;      // reduce: target = left op right; copy: target = left
};

enum class Algorithm : std::uint8_t {
  local,
  doubling,
  ring_all_reduce,
  ring_reduce_scatter,
  ring_all_gather,
  tree,
  chain,
  dissemination,
  tree_reduce,
  chain_reduce,
  linear  // every block straight from its owner to its receiver
};

struct Plan {
  Call call;
  std::uint32_t rank = 0, size = 1, window = 1;
  Algorithm algorithm{};
  std::uint64_t chunk = 0;   // elements
  std::uint64_t chunks = 0;  // a block (ring) or the message (tree, chain)
  std::uint64_t data_steps = 0;
  std::uint64_t steps = 0;  // data_steps and, when synchronised, the rounds of a barrier
};

// The choice, a pure function of what all ranks know. `synchronise`: end with a barrier, so that no
// rank is ahead of another by more than this operation.
Algorithm choose(const Call& call, std::uint32_t size, const Tuning& tuning);
Plan make_plan(const Call& call, std::uint32_t rank, std::uint32_t size, bool synchronise,
               const Tuning& tuning);
Step step_at(const Plan& plan, std::uint64_t index);

// Block `index` of `count` elements split over `size` ranks, the first ones an element longer.
Piece block_of(std::uint64_t count, std::uint32_t size, std::uint64_t index);
constexpr std::uint32_t rounds_for(std::uint32_t size) {  // ceil(log2(size))
  std::uint32_t rounds = 0;
  while ((std::uint64_t{1} << rounds) < size) ++rounds;
  return rounds;
}

}  // namespace weft::transport
