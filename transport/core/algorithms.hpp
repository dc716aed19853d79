// The step functions behind step_at(), one per algorithm; `index` counts from the algorithm's first
// step. Private to transport/core.
#pragma once
#include "transport/core/plan.hpp"

namespace weft::transport {

Step local_step(const Plan& plan);
Step doubling_step(const Plan& plan, std::uint64_t index);
Step ring_all_reduce_step(const Plan& plan, std::uint64_t index);
Step ring_reduce_scatter_step(const Plan& plan, std::uint64_t index);
Step ring_all_gather_step(const Plan& plan, std::uint64_t index);
Step tree_step(const Plan& plan, std::uint64_t index);
Step chain_step(const Plan& plan, std::uint64_t index);
Step dissemination_step(const Plan& plan, std::uint64_t index);
Step tree_reduce_step(const Plan& plan, std::uint64_t index);
Step chain_reduce_step(const Plan& plan, std::uint64_t index);
Step linear_step(const Plan& plan, std::uint64_t index);

// Chunks that a rank of a chain has under way to it while it passes earlier ones on.
inline constexpr std::uint64_t chain_depth = 2;
// Steps of doubling: fold in, rounds, fold out. Ranks beyond the largest power of two fold.
std::uint64_t doubling_steps(std::uint32_t size);

}  // namespace weft::transport
