// Schedules where bandwidth counts: rings in chunks, and a chain for broadcasts.
//
// A ring has size-1 rounds (all-reduce: twice); in a round every rank sends one block to the right
// and receives one from the left, chunk by chunk. Step = round * chunks + chunk. What a round sends
// the round before has received, so a step waits for the one `chunks` before it and the chunks of a
// round overlap.
#include <algorithm>

#include "transport/core/algorithms.hpp"

namespace weft::transport {
namespace {

struct Position {
  std::uint64_t round, chunk;
};
Position position_of(const Plan& plan, std::uint64_t index) {
  return {index / plan.chunks, index % plan.chunks};
}

Step ring_step(const Plan& plan, std::uint64_t index) {
  Step step;
  step.after = static_cast<std::int64_t>(index) - static_cast<std::int64_t>(plan.chunks);
  if (step.after < 0) step.after = -1;
  step.to = (plan.rank + 1) % plan.size;
  step.from = (plan.rank + plan.size - 1) % plan.size;
  step.send_message = step.receive_message = index;
  return step;
}

// Chunk `chunk` of a block that may be shorter than the longest one: possibly empty.
Piece chunk_of(const Plan& plan, Where where, const Piece& block, std::uint64_t chunk) {
  const std::uint64_t from = std::min(chunk * plan.chunk, block.count);
  const std::uint64_t to = std::min(from + plan.chunk, block.count);
  return {where, 0, block.offset + from, to - from};
}

std::uint64_t around(const Plan& plan, std::uint64_t back) {  // the rank `back` places to the left
  return (plan.rank + 2ull * plan.size - back) % plan.size;
}

// Empty chunks are not sent; sender and receiver know both that a chunk is empty.
void drop_empty(Step& step) {
  if (step.send.count == 0) step.to = -1;
  if (step.receive.count == 0) step.from = -1;
  if (step.local != Local::none && step.target.count == 0) step.local = Local::none;
}

Piece scratch_for(const Plan& plan, std::uint64_t index, std::uint64_t count) {
  return {Where::scratch, static_cast<std::uint32_t>(index % plan.window), 0, count};
}

}  // namespace

Step ring_all_reduce_step(const Plan& plan, std::uint64_t index) {
  const auto [round, chunk] = position_of(plan, index);
  const auto piece = [&](Where where, std::uint64_t block) {
    return chunk_of(plan, where, block_of(plan.call.count, plan.size, block), chunk);
  };
  Step step = ring_step(plan, index);
  if (round < plan.size - 1) {  // reduce-scatter: what arrives is added to my own contribution
    const std::uint64_t arriving = around(plan, round + 1);
    step.send = piece(round == 0 ? Where::in : Where::out, around(plan, round));
    step.target = piece(Where::out, arriving);
    step.right = piece(Where::in, arriving);
    step.left = step.receive = scratch_for(plan, index, step.target.count);
    step.local = Local::reduce;
    step.scale = round + 2 == plan.size;
  } else {  // all-gather: complete blocks go around
    const std::uint64_t turn = round - (plan.size - 1);
    step.send = piece(Where::out, around(plan, turn + plan.size - 1));
    step.receive = piece(Where::out, around(plan, turn));
  }
  drop_empty(step);
  return step;
}

// The sum under way lives in `out`, one block long: it is sent on before the next one replaces it.
Step ring_reduce_scatter_step(const Plan& plan, std::uint64_t index) {
  const auto [round, chunk] = position_of(plan, index);
  const auto input = [&](std::uint64_t block) {
    return chunk_of(plan, Where::in, {Where::in, 0, block * plan.call.count, plan.call.count},
                    chunk);
  };
  const Piece sum = chunk_of(plan, Where::out, {Where::out, 0, 0, plan.call.count}, chunk);
  Step step = ring_step(plan, index);
  step.send = round == 0 ? input(around(plan, 1)) : sum;
  step.target = sum;
  step.right = input(around(plan, round + 2));
  step.left = step.receive = scratch_for(plan, index, sum.count);
  step.local = Local::reduce;
  step.local_after_send = true;
  step.scale = round + 2 == plan.size;
  drop_empty(step);
  return step;
}

Step ring_all_gather_step(const Plan& plan, std::uint64_t index) {
  const auto [round, chunk] = position_of(plan, index);
  const auto output = [&](std::uint64_t block) {
    return chunk_of(plan, Where::out, {Where::out, 0, block * plan.call.count, plan.call.count},
                    chunk);
  };
  const Piece own = chunk_of(plan, Where::in, {Where::in, 0, 0, plan.call.count}, chunk);
  Step step = ring_step(plan, index);
  step.send = round == 0 ? own : output(around(plan, round));
  step.receive = output(around(plan, round + 1));
  if (round == 0) {
    step.local = Local::copy;
    step.left = own;
    step.target = output(plan.rank);
  }
  drop_empty(step);
  return step;
}

// Root to its right neighbour and on: every chunk crosses each link once, all links at once. A step
// receives one chunk and passes on the one `chain_depth` before it.
Step chain_step(const Plan& plan, std::uint64_t index) {
  const std::uint32_t place = (plan.rank + plan.size - plan.call.root) % plan.size;
  const auto piece = [&](std::uint64_t chunk) {
    const std::uint64_t offset = chunk * plan.chunk;
    return Piece{Where::out, 0, offset, std::min(plan.chunk, plan.call.count - offset)};
  };
  Step step;
  if (place > 0 && index < plan.chunks) {
    step.from = (plan.rank + plan.size - 1) % plan.size;
    step.receive = piece(index);
    step.receive_message = index;
  }
  if (place + 1 < plan.size && index >= chain_depth) {
    step.after = static_cast<std::int64_t>(index - chain_depth);
    step.to = (plan.rank + 1) % plan.size;
    step.send = piece(index - chain_depth);
    step.send_message = index - chain_depth;
  }
  return step;
}

}  // namespace weft::transport
