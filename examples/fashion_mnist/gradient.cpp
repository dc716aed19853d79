#include "gradient.hpp"

#include <algorithm>

namespace fashion {
namespace {
constexpr std::size_t totals_count = 3;
}

SharedGradient::SharedGradient(weft::Mesh& mesh, std::size_t weight_count, std::size_t bucket_size)
    : mesh_(mesh),
      weight_count_(weight_count),
      bucket_size_(std::max<std::size_t>(1, bucket_size)),
      buffer_(weight_count + totals_count) {
  buckets_.reserve(weight_count / bucket_size_ + 2);
}

void SharedGradient::set_totals(const StepTotals& mine) {
  float* const tail = buffer_.data() + weight_count_;
  tail[0] = mine.loss;
  tail[1] = mine.correct;
  tail[2] = mine.stop ? 1.0F : 0.0F;
}

StepTotals SharedGradient::totals() const {
  const float* const tail = buffer_.data() + weight_count_;
  return {tail[0], tail[1], tail[2] > 0};
}

void SharedGradient::ready(std::size_t end) {
  const bool last = end == weight_count_;
  if (last) end = buffer_.size();
  while (end - started_ >= bucket_size_ || (last && started_ < end)) {
    // The tail joins the last bucket instead of travelling alone.
    const bool rest = last && end - started_ < bucket_size_ + totals_count;
    const std::size_t to = rest ? end : started_ + bucket_size_;
    float* const at = buffer_.data() + started_;
    buckets_.push_back(
        {started_, to,
         mesh_.start_all_reduce(at, at, to - started_, weft::DataType::f32, weft::ReduceOp::sum)});
    started_ = to;
  }
}

}  // namespace fashion
