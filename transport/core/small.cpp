// Schedules where latency counts: recursive doubling, binomial tree, dissemination barrier.
#include <algorithm>
#include <bit>

#include "transport/core/algorithms.hpp"

namespace weft::transport {
namespace {
std::uint32_t power_below(std::uint32_t size) { return std::bit_floor(size); }
}  // namespace

std::uint64_t doubling_steps(std::uint32_t size) {
  return 2ull + static_cast<std::uint64_t>(std::bit_width(power_below(size)) - 1);
}

// Step 0: of the first 2*(size - power) ranks the odd ones hand their vector to the even one below.
// Then log2(power) rounds among the `power` that are left, numbered in rank order; last, the even
// ones hand the result back. Each round adds lower ranks' sum first, on both partners alike.
Step doubling_step(const Plan& plan, std::uint64_t index) {
  const std::uint32_t power = power_below(plan.size), extra = plan.size - power;
  const std::uint64_t last = doubling_steps(plan.size) - 1, count = plan.call.count;
  const bool pairs = plan.rank < 2 * extra, odd = plan.rank % 2 == 1;
  const Piece scratch{Where::scratch, 0, 0, count}, out{Where::out, 0, 0, count};
  const Piece in{Where::in, 0, 0, count};
  Step step;
  step.after = static_cast<std::int64_t>(index) - 1;
  step.send_message = step.receive_message = index;
  if (index == 0 || index == last) {
    if (!pairs) return step;
    const bool gives = odd == (index == 0);
    (gives ? step.to : step.from) = odd ? plan.rank - 1 : plan.rank + 1;
    if (gives) step.send = index == 0 ? in : out;
    if (!gives) step.receive = index == 0 ? scratch : out;
    if (!gives && index == 0) {
      step.local = Local::reduce;
      step.left = in, step.right = scratch, step.target = out;
    }
    return step;
  }
  if (pairs && odd) return step;
  const std::uint32_t place = pairs ? plan.rank / 2 : plan.rank - extra;
  const std::uint32_t partner = place ^ (1u << (index - 1));
  step.to = step.from = partner < extra ? 2 * partner : partner + extra;
  step.receive = scratch;
  step.send = index == 1 && !pairs ? in : out;
  step.local = Local::reduce;
  step.local_after_send = true;
  step.left = place < partner ? step.send : scratch;
  step.right = place < partner ? scratch : step.send;
  step.target = out;
  step.scale = index + 1 == last;
  return step;
}

// Per chunk: receive from the parent, then send to the children, the farthest subtree first.
// Messages are counted by chunk: a rank has one parent.
Step tree_step(const Plan& plan, std::uint64_t index) {
  const std::uint32_t levels = rounds_for(plan.size);
  const std::uint64_t width = levels + 1, chunk = index / width, part = index % width;
  const std::uint64_t offset = chunk * plan.chunk;
  const Piece piece{Where::out, 0, offset, std::min(plan.chunk, plan.call.count - offset)};
  const std::uint32_t place = (plan.rank + plan.size - plan.call.root) % plan.size;
  const auto rank_at = [&](std::uint32_t p) { return (p + plan.call.root) % plan.size; };
  // The lowest set bit of a place says who its parent is; bits below it are its children.
  const std::uint32_t reach = place == 0 ? 1u << levels : 1u << std::countr_zero(place);
  Step step;
  step.send_message = step.receive_message = chunk;
  if (part == 0) {
    if (place == 0) return step;
    step.from = rank_at(place - reach);
    step.receive = piece;
    return step;
  }
  const std::uint32_t bit = 1u << (levels - part);
  if (bit >= reach || place + bit >= plan.size) return step;
  step.after = static_cast<std::int64_t>(chunk * width);
  step.to = rank_at(place + bit);
  step.send = piece;
  return step;
}

// Round k: tell the rank 2^k above, hear from the one 2^k below.
Step dissemination_step(const Plan& plan, std::uint64_t index) {
  const std::uint32_t distance = static_cast<std::uint32_t>((1ull << index) % plan.size);
  Step step;
  step.after = static_cast<std::int64_t>(index) - 1;
  step.send_message = step.receive_message = index;
  step.to = (plan.rank + distance) % plan.size;
  step.from = (plan.rank + plan.size - distance) % plan.size;
  return step;
}

}  // namespace weft::transport
