#include "gradient.hpp"

#include <cmath>

namespace fashion {
namespace {
constexpr std::size_t totals_count = 4;
// Far beyond any gradient of a run that still learns; 2^14 of them fit the sum.
constexpr float fixed_max = 0x1p48F;
constexpr double loss_to_fixed = 0x1p24;

std::int64_t fixed(float value) {
  if (!(std::abs(value) <= fixed_max)) value = value < 0 ? -fixed_max : fixed_max;  // also NaN
  return static_cast<std::int64_t>(value);
}
}  // namespace

SharedGradient::SharedGradient(weft::Mesh& mesh, std::size_t weight_count, std::size_t bucket_size)
    : mesh_(mesh),
      weight_count_(weight_count),
      bucket_size_(std::max<std::size_t>(1, bucket_size)),
      buffer_(weight_count + totals_count) {
  buckets_.reserve(weight_count / bucket_size_ + 2);
}

void SharedGradient::set_totals(const StepTotals& mine) {
  std::int64_t* const tail = buffer_.data() + weight_count_;
  const bool diverged = !(mine.loss < 1e9);  // also NaN
  tail[0] = diverged ? 0 : std::llround(mine.loss * loss_to_fixed);
  tail[1] = mine.correct;
  tail[2] = mine.stop ? 1 : 0;
  tail[3] = diverged ? 1 : 0;
}

StepTotals SharedGradient::totals() const {
  const std::int64_t* const tail = buffer_.data() + weight_count_;
  return {static_cast<double>(tail[0]) / loss_to_fixed, tail[1], tail[2] > 0, tail[3] > 0};
}

void SharedGradient::add(std::size_t at, std::span<const float> values, bool first_shard,
                         bool last_shard) {
  std::int64_t* const out = buffer_.data() + at;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int64_t value = fixed(values[i] * to_fixed);
    out[i] = first_shard ? value : out[i] + value;
  }
  if (last_shard) ready(at + values.size());
}

void SharedGradient::ready(std::size_t end) {
  const bool last = end == weight_count_;
  if (last) end = buffer_.size();
  while (end - started_ >= bucket_size_ || (last && started_ < end)) {
    // The tail joins the last bucket instead of travelling alone.
    const bool rest = last && end - started_ < bucket_size_ + totals_count;
    const std::size_t to = rest ? end : started_ + bucket_size_;
    std::int64_t* const at = buffer_.data() + started_;
    buckets_.push_back(
        {started_, to,
         mesh_.start_all_reduce(at, at, to - started_, weft::DataType::i64, weft::ReduceOp::sum)});
    started_ = to;
  }
}

}  // namespace fashion
