// Runs one plan on one rank: posts its messages, does its sums, step by step, never waiting.
// Owns the scratch (window slots, the same for every size of operation) and the transfers under
// way. Thread: one at a time (the engine's lock). Allocates in its constructor only.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "transport/core/plan.hpp"
#include "transport/ucx/network.hpp"

namespace weft::transport {

// The way to other ranks, as an executor sees it. A transfer is done when its flag says so.
class Wire {
 public:
  virtual ~Wire() = default;
  virtual void send(std::uint32_t to, Transfer& transfer, const void* data, std::size_t bytes) = 0;
  virtual void receive(std::uint32_t from, std::uint64_t message, void* into, std::size_t bytes,
                       Transfer& transfer) = 0;
};

class Executor {
 public:
  static constexpr std::uint32_t window_max = 16;

  Executor(Wire& wire, const Tuning& tuning);
  // `head` goes out with every message. The buffers stay the caller's.
  void start(const Plan& plan, const Header& head, const void* in, void* out);
  // Does what can be done now. True when something moved.
  bool advance();
  [[nodiscard]] bool done() const { return completed_ == plan_.steps; }
  // A rank that the operation waits for now; its own rank when it waits for none.
  [[nodiscard]] std::uint32_t waits_for() const;
  // A rank whose transfer failed: the operation can't end any more.
  [[nodiscard]] std::optional<std::uint32_t> failed_peer() const;
  // No transfer is under way: the buffers are the user's again.
  [[nodiscard]] bool quiet() const;

 private:
  struct Slot {
    Step step;
    Transfer sent, received;
  };
  Slot& slot(std::uint64_t index) { return slots_[index % plan_.window]; }
  [[nodiscard]] void* at(const Piece& piece) const;
  void post(std::uint64_t index);
  void work(const Step& step);

  Wire& wire_;
  Tuning tuning_;
  std::unique_ptr<std::byte[]> scratch_;
  std::array<Slot, window_max> slots_;
  Plan plan_;
  Header head_;
  const std::byte* in_ = nullptr;
  std::byte* out_ = nullptr;
  // completed_ <= worked_ <= posted_ <= plan_.steps; see core/plan.hpp for the order.
  std::uint64_t posted_ = 0, worked_ = 0, completed_ = 0;
};

}  // namespace weft::transport
