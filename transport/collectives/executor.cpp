#include "transport/collectives/executor.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "transport/collectives/reduce.hpp"

namespace weft::transport {

Executor::Executor(Wire& wire, const Tuning& tuning) : wire_(wire), tuning_(tuning) {
  WEFT_ASSERT(tuning.window >= 1 && tuning.window <= window_max, "tuning.window");
}

void Executor::start(const Plan& plan, const Header& head, const void* in, void* out) {
  // A mesh of one rank never needs scratch.
  if (!scratch_ && plan.size > 1)
    scratch_ = std::make_unique<std::byte[]>(tuning_.window * slot_bytes(tuning_));
  plan_ = plan;
  head_ = head;
  in_ = static_cast<const std::byte*>(in);
  out_ = static_cast<std::byte*>(out);
  posted_ = worked_ = completed_ = 0;
}

bool Executor::advance() {
  const auto before = posted_ + worked_ + completed_;
  for (bool again = true; again;) {
    again = false;
    while (posted_ < plan_.steps && posted_ - completed_ < plan_.window) {
      slot(posted_).step = step_at(plan_, posted_);
      if (slot(posted_).step.after >= static_cast<std::int64_t>(completed_)) break;
      post(posted_++);
    }
    while (worked_ < posted_) {
      const auto& next = slot(worked_);
      if (!next.received.done || next.received.failed) break;
      if (next.step.local_after_send && !next.sent.done) break;
      work(next.step);
      ++worked_;
    }
    while (completed_ < worked_ && slot(completed_).sent.done) {
      ++completed_;
      again = true;
    }
  }
  return posted_ + worked_ + completed_ != before;
}

void* Executor::at(const Piece& piece) const {
  const std::size_t offset = piece.offset * size_of(plan_.call.type);
  switch (piece.where) {
    case Where::in: return const_cast<std::byte*>(in_) + offset;  // only read: sent or summed from
    case Where::out: return out_ + offset;
    case Where::scratch: break;
  }
  return scratch_.get() + piece.slot * slot_bytes(tuning_) + offset;
}

void Executor::post(std::uint64_t index) {
  auto& [step, sent, received] = slot(index);
  sent = received = Transfer{};
  const std::size_t element = size_of(plan_.call.type);
  // The receive first: the message may be here already.
  if (step.from >= 0) {
    received.done = false;
    wire_.receive(static_cast<std::uint32_t>(step.from), step.receive_message,
                  step.receive.count > 0 ? at(step.receive) : nullptr, step.receive.count * element,
                  received);
  }
  if (step.to >= 0) {
    sent.header = head_;
    sent.header.message = step.send_message;
    wire_.send(static_cast<std::uint32_t>(step.to), sent,
               step.send.count > 0 ? at(step.send) : nullptr, step.send.count * element);
  }
}

void Executor::work(const Step& step) {
  const auto& call = plan_.call;
  const std::size_t count = step.target.count;
  if (step.local == Local::none) return;
  void* target = at(step.target);
  if (step.local == Local::copy) {
    if (target != at(step.left)) std::memcpy(target, at(step.left), count * size_of(call.type));
    return;
  }
  reduce(call.op, call.type, at(step.left), at(step.right), target, count);
  if (step.scale && call.op == ReduceOp::avg) divide(call.type, target, count, plan_.size);
}

std::uint32_t Executor::waits_for() const {
  for (auto index = completed_; index < posted_; ++index) {
    const auto& [step, sent, received] = slots_[index % plan_.window];
    if (!received.done) return static_cast<std::uint32_t>(step.from);
    if (!sent.done) return static_cast<std::uint32_t>(step.to);
  }
  return plan_.rank;
}

std::optional<std::uint32_t> Executor::failed_peer() const {
  for (auto index = completed_; index < posted_; ++index) {
    const auto& [step, sent, received] = slots_[index % plan_.window];
    if (received.failed) return static_cast<std::uint32_t>(step.from);
    if (sent.failed) return static_cast<std::uint32_t>(step.to);
  }
  return std::nullopt;
}

bool Executor::quiet() const {
  return std::ranges::all_of(slots_, [](const Slot& s) { return s.sent.done && s.received.done; });
}

}  // namespace weft::transport
