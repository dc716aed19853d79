// Schedules towards a root, and blocks that go straight to who they are for.
#include <algorithm>

#include "transport/core/algorithms.hpp"

namespace weft::transport {
namespace {

std::uint32_t place_from(std::uint32_t rank, std::uint32_t root, std::uint32_t size) {
  return (rank + size - root) % size;
}

}  // namespace

// Binomial tree. Round k: of the places that are left (the root has place 0) those with bit k hand
// their sum to the one 2^k below, whose own comes first. Only the root has a buffer for the sum;
// the others keep theirs in the second slot of scratch and receive into the first.
Step tree_reduce_step(const Plan& plan, std::uint64_t index) {
  const std::uint64_t count = plan.call.count;
  const std::uint32_t place = place_from(plan.rank, plan.call.root, plan.size);
  const std::uint32_t bit = 1u << index;
  const auto rank_at = [&](std::uint32_t p) { return (p + plan.call.root) % plan.size; };
  const Piece in{Where::in, 0, 0, count}, arrived{Where::scratch, 0, 0, count};
  const Piece sum =
      place == 0 ? Piece{Where::out, 0, 0, count} : Piece{Where::scratch, 1, 0, count};
  const bool summed = index > 0 && place + 1 < plan.size;  // it has had a child
  Step step;
  step.after = static_cast<std::int64_t>(index) - 1;
  step.send_message = step.receive_message = index;
  if ((place & (bit - 1)) != 0) return step;  // handed over in an earlier round
  if ((place & bit) != 0) {
    step.to = rank_at(place - bit);
    step.send = summed ? sum : in;
    return step;
  }
  if (place + bit >= plan.size) return step;
  step.from = rank_at(place + bit);
  step.receive = arrived;
  step.local = Local::reduce;
  step.left = summed ? sum : in;
  step.right = arrived;
  step.target = sum;
  step.scale = place == 0 && index + 1 == plan.data_steps;
  return step;
}

// From the root's right neighbour around to the root: every rank adds its own to what arrives and
// passes it on, chunk by chunk, all links at once. A step receives one chunk and passes on the one
// `chain_depth` before it, out of the slot that this one arrived in.
Step chain_reduce_step(const Plan& plan, std::uint64_t index) {
  const std::uint32_t place = place_from(plan.rank, plan.call.root + 1, plan.size);
  const bool first = place == 0, root = place + 1 == plan.size;
  const auto piece = [&](Where where, std::uint64_t chunk) {
    const std::uint64_t offset = chunk * plan.chunk;
    return Piece{where, 0, offset, std::min(plan.chunk, plan.call.count - offset)};
  };
  const auto slot = [&](std::uint64_t chunk) {
    return Piece{Where::scratch, static_cast<std::uint32_t>(chunk % plan.window), 0,
                 piece(Where::in, chunk).count};
  };
  Step step;
  if (!first && index < plan.chunks) {
    step.from = (plan.rank + plan.size - 1) % plan.size;
    step.receive_message = index;
    step.receive = step.left = slot(index);
    step.right = piece(Where::in, index);
    step.local = Local::reduce;
    step.target = root ? piece(Where::out, index) : slot(index);
    step.scale = root;
    // The slot was sent from `chain_depth` steps after it was filled.
    const std::uint64_t freed = index + chain_depth;
    if (freed >= plan.window) step.after = static_cast<std::int64_t>(freed - plan.window);
  }
  if (!root && index >= chain_depth) {
    const std::uint64_t chunk = index - chain_depth;
    step.after = std::max(step.after, static_cast<std::int64_t>(chunk));
    step.to = (plan.rank + 1) % plan.size;
    step.send_message = chunk;
    step.send = first ? piece(Where::in, chunk) : slot(chunk);
  }
  return step;
}

// Step i is between ranks i + 1 apart: all_to_all exchanges, a gather's or scatter's root talks to
// the one that far to its right. The first step also copies the block that stays here.
Step linear_step(const Plan& plan, std::uint64_t index) {
  const std::uint64_t count = plan.call.count;
  const auto distance = static_cast<std::uint32_t>(index + 1);
  const auto block = [&](Where where, std::uint32_t rank) {
    return Piece{where, 0, rank * count, count};
  };
  const std::uint32_t right = (plan.rank + distance) % plan.size;
  const std::uint32_t left = (plan.rank + plan.size - distance) % plan.size;
  const std::uint32_t place = place_from(plan.rank, plan.call.root, plan.size);
  const bool root = place == 0;
  const Piece whole_in{Where::in, 0, 0, count}, whole_out{Where::out, 0, 0, count};
  Step step;
  step.send_message = step.receive_message = index;
  if (plan.call.kind == Kind::all_to_all) {
    step.to = right, step.send = block(Where::in, right);
    step.from = left, step.receive = block(Where::out, left);
  } else if (plan.call.kind == Kind::gather && root) {
    step.from = right, step.receive = block(Where::out, right);
  } else if (plan.call.kind == Kind::scatter && root) {
    step.to = right, step.send = block(Where::in, right);
  } else if (place == distance) {
    const bool gives = plan.call.kind == Kind::gather;
    (gives ? step.to : step.from) = plan.call.root;
    (gives ? step.send : step.receive) = gives ? whole_in : whole_out;
  }
  if (index == 0 && (root || plan.call.kind == Kind::all_to_all)) {
    step.local = Local::copy;
    step.left = plan.call.kind == Kind::gather ? whole_in : block(Where::in, plan.rank);
    step.target = plan.call.kind == Kind::scatter ? whole_out : block(Where::out, plan.rank);
  }
  return step;
}

}  // namespace weft::transport
