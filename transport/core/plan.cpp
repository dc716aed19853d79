#include "transport/core/plan.hpp"

#include <algorithm>

#include "transport/core/algorithms.hpp"

namespace weft::transport {
namespace {

// Elements that one rank's largest block (ring) or the whole message (tree, chain) has.
std::uint64_t unit_elements(const Call& call, std::uint32_t size, Algorithm algorithm) {
  if (algorithm == Algorithm::ring_all_reduce) return (call.count + size - 1) / size;
  return call.count;
}

std::uint64_t count_data_steps(const Plan& plan) {
  switch (plan.algorithm) {
    case Algorithm::local: return 1;
    case Algorithm::doubling: return doubling_steps(plan.size);
    case Algorithm::ring_all_reduce: return 2 * (plan.size - 1ull) * plan.chunks;
    case Algorithm::ring_reduce_scatter:
    case Algorithm::ring_all_gather: return (plan.size - 1ull) * plan.chunks;
    case Algorithm::tree: return (1ull + rounds_for(plan.size)) * plan.chunks;
    case Algorithm::chain: return plan.chunks + chain_depth;
    case Algorithm::dissemination:
    case Algorithm::tree_reduce: return rounds_for(plan.size);
    case Algorithm::chain_reduce: return plan.chunks + chain_depth;
    case Algorithm::linear: return plan.size - 1;
  }
  return 0;
}

}  // namespace

Piece block_of(std::uint64_t count, std::uint32_t size, std::uint64_t index) {
  const std::uint64_t base = count / size, longer = count % size;
  return {Where::out, 0, index * base + std::min(index, longer), base + (index < longer ? 1 : 0)};
}

Algorithm choose(const Call& call, std::uint32_t size, const Tuning& tuning) {
  if (size == 1) return Algorithm::local;
  const std::uint64_t bytes = call.count * size_of(call.type);
  const bool small = bytes <= tuning.small_bytes;
  switch (call.kind) {
    case Kind::all_reduce: return small ? Algorithm::doubling : Algorithm::ring_all_reduce;
    case Kind::reduce_scatter: return Algorithm::ring_reduce_scatter;
    case Kind::all_gather: return Algorithm::ring_all_gather;
    case Kind::broadcast: return small ? Algorithm::tree : Algorithm::chain;
    case Kind::reduce: return small ? Algorithm::tree_reduce : Algorithm::chain_reduce;
    case Kind::gather:
    case Kind::scatter:
    case Kind::all_to_all: return Algorithm::linear;
    case Kind::barrier:
    case Kind::join:
    case Kind::leave: break;
  }
  return Algorithm::dissemination;
}

Plan make_plan(const Call& call, std::uint32_t rank, std::uint32_t size, bool synchronise,
               const Tuning& tuning) {
  Plan plan{.call = call,
            .rank = rank,
            .size = size,
            .window = tuning.window,
            .algorithm = choose(call, size, tuning)};
  const std::uint64_t unit = unit_elements(call, size, plan.algorithm);
  if (moves_data(call.kind) && unit > 0) {
    const std::uint64_t most = tuning.chunk_bytes / size_of(call.type);
    plan.chunks = (unit + most - 1) / most;
    plan.chunk = (unit + plan.chunks - 1) / plan.chunks;  // even pieces
  }
  const bool empty = moves_data(call.kind) && call.count == 0;
  plan.data_steps = empty ? 0 : count_data_steps(plan);
  plan.steps = plan.data_steps;
  if (synchronise && moves_data(call.kind) && size > 1) plan.steps += rounds_for(size);
  return plan;
}

Step step_at(const Plan& plan, std::uint64_t index) {
  if (index >= plan.data_steps) {
    // The closing barrier: its first round waits for all the data, its messages are counted on.
    Step step = dissemination_step(plan, index - plan.data_steps);
    step.after = static_cast<std::int64_t>(index) - 1;
    step.send_message = step.receive_message = index;
    return step;
  }
  switch (plan.algorithm) {
    case Algorithm::local: return local_step(plan);
    case Algorithm::doubling: return doubling_step(plan, index);
    case Algorithm::ring_all_reduce: return ring_all_reduce_step(plan, index);
    case Algorithm::ring_reduce_scatter: return ring_reduce_scatter_step(plan, index);
    case Algorithm::ring_all_gather: return ring_all_gather_step(plan, index);
    case Algorithm::tree: return tree_step(plan, index);
    case Algorithm::chain: return chain_step(plan, index);
    case Algorithm::tree_reduce: return tree_reduce_step(plan, index);
    case Algorithm::chain_reduce: return chain_reduce_step(plan, index);
    case Algorithm::linear: return linear_step(plan, index);
    case Algorithm::dissemination: break;
  }
  return dissemination_step(plan, index);
}

Step local_step(const Plan& plan) {
  Step step;
  const Kind kind = plan.call.kind;
  if (moves_data(kind) && kind != Kind::broadcast) {
    step.local = Local::copy;
    step.left = {Where::in, 0, 0, plan.call.count};
    step.target = {Where::out, 0, 0, plan.call.count};
  }
  return step;
}

}  // namespace weft::transport
