// The gradient that all ranks share: as pieces become final they are summed over the ranks in
// buckets, each started while the next is still being computed. Behind the weights' gradients
// travel three numbers of the step: loss, images classified rightly, and whether some rank was
// asked to stop - so that all ranks agree on the step at which they stop, without a message of its
// own. Owns: the buffer. Thread: one. Errors: those of the mesh.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "transport/mesh.hpp"

namespace fashion {

struct StepTotals {
  float loss = 0, correct = 0;
  bool stop = false;
};

class SharedGradient {
 public:
  SharedGradient(weft::Mesh& mesh, std::size_t weight_count, std::size_t bucket_count_max);

  [[nodiscard]] std::span<float> own() { return std::span(buffer_).first(weight_count_); }
  void set_totals(const StepTotals& mine);
  // The prefix [0, end) is final here: starts every bucket that is now full, and the last one.
  void ready(std::size_t end);
  // Waits bucket by bucket; `apply(from, to)` may use the sums of that range.
  template <class Apply>
  weft::Result<void> collect(const Apply& apply) {
    for (Bucket& bucket : buckets_) {
      if (auto done = bucket.work.wait(); !done) return done;
      apply(bucket.from, std::min(bucket.to, weight_count_));
    }
    buckets_.clear();
    started_ = 0;
    return {};
  }
  [[nodiscard]] StepTotals totals() const;  // of all ranks, after collect
  [[nodiscard]] std::size_t bucket_size() const { return bucket_size_; }

 private:
  struct Bucket {
    std::size_t from, to;
    weft::Work work;
  };
  weft::Mesh& mesh_;
  std::size_t weight_count_, bucket_size_, started_ = 0;
  std::vector<float> buffer_;
  std::vector<Bucket> buckets_;  // after buffer_: a Work waits before its memory goes
};

}  // namespace fashion
