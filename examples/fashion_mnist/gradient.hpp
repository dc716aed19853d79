// The gradient that all ranks share, summed over the shards of a batch. It is kept in fixed point
// (64 bits, 40 behind the point), because sums of integers do not depend on their order: a run
// gives the same weights, bit for bit, on one rank or on many. Buckets are summed over the ranks as
// soon as they are final, each while the next is still being computed. Behind the weights'
// gradients travel the step's totals - among them whether some rank was asked to stop, so that all
// ranks agree on the step at which they stop, without a message of its own. Owns: the buffer.
// Thread: one. Errors: those of the mesh.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "transport/mesh.hpp"

namespace fashion {

struct StepTotals {
  double loss = 0;  // summed over the images
  std::int64_t correct = 0;
  bool stop = false, diverged = false;  // on some rank
};

class SharedGradient {
 public:
  SharedGradient(weft::Mesh& mesh, std::size_t weight_count, std::size_t bucket_size);

  // Before the first piece of the last shard.
  void set_totals(const StepTotals& mine);
  // A piece of one of this rank's shards. Pieces of a shard come in order; those of the last one
  // are final, so full buckets start.
  void add(std::size_t at, std::span<const float> values, bool first_shard, bool last_shard);
  // Waits bucket by bucket and calls apply(i, gradient of weight i) for each.
  template <class Apply>
  weft::Result<void> collect(const Apply& apply) {
    for (Bucket& bucket : buckets_) {
      if (auto done = bucket.work.wait(); !done) return done;
      for (std::size_t i = bucket.from; i < std::min(bucket.to, weight_count_); ++i)
        apply(i, static_cast<float>(static_cast<double>(buffer_[i]) * from_fixed));
    }
    buckets_.clear();
    started_ = 0;
    return {};
  }
  [[nodiscard]] StepTotals totals() const;  // of all ranks, after collect
  [[nodiscard]] std::size_t bucket_size() const { return bucket_size_; }

 private:
  static constexpr float to_fixed = 0x1p40F;
  static constexpr double from_fixed = 0x1p-40;
  struct Bucket {
    std::size_t from, to;
    weft::Work work;
  };
  void ready(std::size_t end);

  weft::Mesh& mesh_;
  std::size_t weight_count_, bucket_size_, started_ = 0;
  std::vector<std::int64_t> buffer_;
  std::vector<Bucket> buckets_;  // after buffer_: a Work waits before its memory goes
};

}  // namespace fashion
