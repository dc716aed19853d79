// Brings arriving data and the receives that wait for it together, and checks every message's Call
// against this rank's own before a byte of it is used.
// A message of another attempt or generation never gets here (mesh/engine.cpp counts and drops it).
// Thread: one at a time (the engine's lock). Early small messages are kept in buffers that are
// reused; early large ones stay at their sender.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "transport/core/plan.hpp"
#include "transport/ucx/network.hpp"

namespace weft::transport {

class Inbox {
 public:
  // Two ranks called differently: which operation, what each called.
  struct Mismatch {
    std::uint32_t source = 0, sequence = 0;
    Call theirs, mine;
  };

  Inbox(Network& network, std::uint32_t size, const Tuning& tuning);
  // This rank begins operation `sequence`: messages that are early for it are checked now.
  void begin(std::uint32_t sequence, const Call& call);
  void receive(std::uint32_t from, std::uint64_t message, void* into, std::size_t bytes,
               Transfer& transfer);
  Verdict arrived(const Arrival& arrival);
  // Waiting receives fail, early messages go back to UCX; a fetch under way goes on.
  void clear();

  [[nodiscard]] const std::optional<Mismatch>& mismatch() const { return mismatch_; }
  // A rank that sent more ahead than the protocol lets it.
  [[nodiscard]] std::optional<std::uint32_t> flooder() const { return flooder_; }
  [[nodiscard]] std::uint64_t dropped() const {
    return dropped_.load(std::memory_order_relaxed);
  }  // any thread

 private:
  struct Waiting {
    std::uint32_t from;
    std::uint64_t message;
    void* into;
    std::size_t bytes;
    Transfer* transfer;
  };
  struct Early {
    bool used = false;
    Header header;
    void* kept = nullptr;  // UCX's, until fetched or released
    std::vector<std::uint8_t> copy;
    std::size_t bytes = 0;
    bool rendezvous = false;
  };
  static constexpr std::size_t early_ready = 32;   // made at the start; more are made at need
  static constexpr std::uint32_t remembered = 64;  // own calls, to check a late message against

  bool same_call(const Header& header);
  Verdict keep(const Arrival& arrival);
  void deliver(const Waiting& waiting, void* data, std::size_t bytes, bool rendezvous);

  Network& network_;
  std::size_t early_max_;
  std::array<Call, remembered> calls_{};
  std::uint32_t begun_ = 0;  // newest sequence that this rank began; 0: none
  std::vector<Waiting> waiting_;
  std::vector<Early> early_;
  std::size_t early_count_ = 0;
  std::optional<Mismatch> mismatch_;
  std::optional<std::uint32_t> flooder_;
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace weft::transport
