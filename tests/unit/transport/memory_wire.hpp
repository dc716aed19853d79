// Runs plans of all ranks in one thread: the real executor over messages that stay in memory, in an
// order that a seed decides. What the test sees is what the schedule says, not what UCX makes of
// it.
#pragma once
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>
#include <tuple>
#include <vector>

#include "transport/collectives/executor.hpp"

namespace weft::transport::test {

class MemoryGang {
 public:
  MemoryGang(std::uint32_t size, const Tuning& tuning, unsigned seed) : random_(seed) {
    for (std::uint32_t rank = 0; rank < size; ++rank)
      ranks_.push_back(std::make_unique<Rank>(*this, rank, tuning));
  }

  // Buffers of one rank; equal pointers mean in place.
  struct Buffers {
    const void* in;
    void* out;
  };

  void run(const Call& call, bool synchronise, const Tuning& tuning,
           const std::vector<Buffers>& buffers) {
    const auto size = static_cast<std::uint32_t>(ranks_.size());
    for (std::uint32_t rank = 0; rank < size; ++rank)
      ranks_[rank]->executor.start(make_plan(call, rank, size, synchronise, tuning),
                                   header_of(call, 1, 1, rank, 1), buffers[rank].in,
                                   buffers[rank].out);
    int idle = 0;
    while (!done()) {
      bool moved = false;
      // Ranks advance and messages land in a random order.
      for (std::uint32_t i = 0; i < size; ++i) {
        moved |= ranks_[random_() % size]->executor.advance();
        moved |= land();
      }
      idle = moved ? 0 : idle + 1;
      ASSERT_LT(idle, 1'000) << to_string(call) << ": the schedule is stuck, " << size << " ranks";
    }
    EXPECT_TRUE(flying_.empty()) << to_string(call) << ": messages that nobody waits for";
  }

 private:
  struct Rank : Wire {
    Rank(MemoryGang& g, std::uint32_t r, const Tuning& tuning)
        : gang(g), rank(r), executor(*this, tuning) {}
    void send(std::uint32_t to, Transfer& transfer, const void* data, std::size_t bytes) override {
      transfer.done = false;
      gang.flying_.push_back({rank, to, transfer.header.message, data, bytes, &transfer});
    }
    void receive(std::uint32_t from, std::uint64_t message, void* into, std::size_t bytes,
                 Transfer& transfer) override {
      waiting.push_back({from, message, into, bytes, &transfer});
    }
    struct Waiting {
      std::uint32_t from;
      std::uint64_t message;
      void* into;
      std::size_t bytes;
      Transfer* transfer;
    };
    MemoryGang& gang;
    std::uint32_t rank;
    Executor executor;
    std::vector<Waiting> waiting;
  };
  struct Flying {
    std::uint32_t from, to;
    std::uint64_t message;
    const void* data;
    std::size_t bytes;
    Transfer* transfer;
  };

  [[nodiscard]] bool done() const {
    for (const auto& rank : ranks_)
      if (!rank->executor.done()) return false;
    return true;
  }

  // Lets one message land whose receiver waits for it; its data is read only now, like a
  // rendezvous.
  bool land() {
    if (flying_.empty()) return false;
    const auto start = random_() % flying_.size();
    for (std::size_t i = 0; i < flying_.size(); ++i) {
      const auto at = flying_.begin() + static_cast<std::ptrdiff_t>((start + i) % flying_.size());
      auto& waiting = ranks_[at->to]->waiting;
      for (auto w = waiting.begin(); w != waiting.end(); ++w) {
        if (w->from != at->from || w->message != at->message) continue;
        EXPECT_EQ(w->bytes, at->bytes);
        if (at->bytes > 0) std::memcpy(w->into, at->data, at->bytes);
        w->transfer->done = true;
        at->transfer->done = true;
        waiting.erase(w);
        flying_.erase(at);
        return true;
      }
    }
    return false;
  }

  std::mt19937 random_;
  std::vector<std::unique_ptr<Rank>> ranks_;
  std::deque<Flying> flying_;
};

}  // namespace weft::transport::test
