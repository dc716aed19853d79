#include "trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <span>

#include "base/digest.hpp"
#include "order.hpp"

namespace fashion {
namespace {

using weft::Code;
using weft::DataType;
using weft::fail;
using weft::ReduceOp;
using weft::Result;

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Rank r's contiguous share of `count` things: shares differ by one at most.
std::pair<std::size_t, std::size_t> share(std::size_t count, std::uint32_t rank,
                                          std::uint32_t size) {
  return {count * rank / size, count * (rank + 1) / size};
}

}  // namespace

Trainer::Trainer(weft::Mesh& mesh, const Dataset& data, const Options& options,
                 const volatile std::sig_atomic_t& stop)
    : mesh_(mesh),
      data_(data),
      options_(options),
      stop_(stop),
      model_(options.hidden),
      gradient_(mesh, model_.weight_count(),
                std::size_t{options.bucket_kib} * 1024 / sizeof(std::int64_t)),
      train_count_(static_cast<std::uint32_t>(data.train.count)) {
  if (options.limit > 0) train_count_ = std::min(train_count_, options.limit);
  steps_per_epoch_ = (train_count_ + options.batch - 1) / options.batch;
  state_.settings = settings_digest();
  state_.weights.resize(model_.weight_count());
  state_.velocity.resize(model_.weight_count());
  model_.initialise(options.seed, state_.weights);
}

std::uint64_t Trainer::settings_digest() const {
  weft::Hasher hasher;
  for (const int size : options_.hidden) hasher.add(static_cast<std::uint64_t>(size));
  for (const std::uint64_t number :
       {std::uint64_t{options_.batch}, std::uint64_t{options_.shards}, options_.seed,
        std::uint64_t{train_count_}, static_cast<std::uint64_t>(options_.epochs)})
    hasher.add(number);
  hasher.add(fmt::format("{} {}", options_.rate, options_.momentum));
  const weft::Digest digest = hasher.finish();
  std::uint64_t out = 0;
  std::memcpy(&out, digest.data.data(), sizeof out);
  return out;
}

Result<void> Trainer::resume() {
  std::int64_t step = -1;
  if (leads() && !options_.checkpoint_dir.empty()) {
    if (auto found =
            newest_checkpoint(options_.checkpoint_dir, state_.settings, model_.weight_count())) {
      state_ = std::move(*found);
      step = static_cast<std::int64_t>(state_.step);
    }
  }
  // Only rank 0 reads the folder: ranks that see different folders still start from one state.
  if (auto sent = mesh_.broadcast(&step, 1, DataType::i64, 0); !sent) return sent;
  if (step < 0) return {};
  state_.step = saved_step_ = static_cast<std::uint64_t>(step);
  for (std::vector<float>* part : {&state_.weights, &state_.velocity})
    if (auto sent = mesh_.broadcast(part->data(), part->size(), DataType::f32, 0); !sent)
      return sent;
  if (leads()) fmt::print("resumed at step {}\n", step);
  return {};
}

Result<Ending> Trainer::train() {
  const std::uint64_t steps = steps_per_epoch_ * static_cast<std::uint64_t>(options_.epochs);
  reported_at_ = now_seconds();
  std::vector<std::uint32_t> order;
  while (state_.step < steps) {
    const std::uint64_t epoch = state_.step / steps_per_epoch_,
                        in_epoch = state_.step % steps_per_epoch_;
    if (order.empty() || in_epoch == 0) order = shuffled(train_count_, options_.seed, epoch);
    const auto stop = run_step(order, in_epoch);
    if (!stop) return tl::make_unexpected(stop.error());
    const bool last = state_.step == steps;
    if (*stop || last ||
        (options_.checkpoint_every > 0 && state_.step % options_.checkpoint_every == 0)) {
      if (auto saved = save(); !saved) return tl::make_unexpected(saved.error());
    }
    if (*stop && !last) return Ending::stopped;
  }
  return Ending::finished;
}

// One step; true: some rank was asked to stop, which all ranks learn at this same step.
Result<bool> Trainer::run_step(const std::vector<std::uint32_t>& order,
                               std::uint64_t step_in_epoch) {
  const std::size_t from = step_in_epoch * options_.batch;
  const std::size_t count = std::min<std::size_t>(options_.batch, train_count_ - from);
  compute_shards(order, from, count);

  const std::uint64_t steps = steps_per_epoch_ * static_cast<std::uint64_t>(options_.epochs);
  const float left = 1.0F - static_cast<float>(state_.step) / static_cast<float>(steps);
  const float rate = options_.rate * left;  // falls to 0 along the run
  const auto applied = gradient_.collect([&](std::size_t i, float gradient) {
    state_.velocity[i] = options_.momentum * state_.velocity[i] + gradient;
    state_.weights[i] -= rate * state_.velocity[i];
  });
  if (!applied) return tl::make_unexpected(applied.error());
  const StepTotals totals = gradient_.totals();
  if (totals.diverged)
    return fail(
        Code::op_argument,
        fmt::format("the loss of step {} is not a number any more; use a smaller --lr than {}",
                    state_.step + 1, options_.rate));
  ++state_.step;
  report(state_.step, totals, count);
  return totals.stop;
}

// This rank's shards of the batch. A batch has the same shards whatever the number of ranks, so the
// numbers that are summed do not depend on it.
void Trainer::compute_shards(const std::vector<std::uint32_t>& order, std::size_t from,
                             std::size_t count) {
  const auto [first, end] = share(options_.shards, mesh_.rank(), mesh_.size());
  StepTotals mine;
  mine.stop = stop_ != 0;
  for (std::size_t shard = first; shard < end; ++shard) {
    const auto [begin, stop] = share(count, static_cast<std::uint32_t>(shard), options_.shards);
    const BatchResult result = model_.forward(
        data_.train, std::span(order).subspan(from + begin, stop - begin), state_.weights);
    mine.loss += result.loss;
    mine.correct += result.correct;
    if (shard + 1 == end) gradient_.set_totals(mine);
    model_.backward(state_.weights, 1.0F / static_cast<float>(count), gradient_.bucket_size(),
                    [&](std::size_t at, std::span<const float> values) {
                      gradient_.add(at, values, shard == first, shard + 1 == end);
                    });
  }
}

void Trainer::report(std::uint64_t step, const StepTotals& totals, std::size_t images) {
  if (!leads()) return;
  images_since_report_ += images;
  const std::uint64_t epoch = (step - 1) / steps_per_epoch_ + 1;
  const double loss = totals.loss / static_cast<double>(images);
  mesh_.report_progress(step,
                        fmt::format("epoch {} of {}, loss {:.4f}", epoch, options_.epochs, loss));
  if (step % options_.report_every != 0 && step % steps_per_epoch_ != 0) return;
  const double now = now_seconds(), elapsed = std::max(now - reported_at_, 1e-9);
  fmt::print("epoch {}/{}  step {:5}  loss {:.4f}  accuracy {:5.1f} %  {:7.0f} images/s\n", epoch,
             options_.epochs, step, loss,
             100.0 * static_cast<double>(totals.correct) / static_cast<double>(images),
             static_cast<double>(images_since_report_) / elapsed);
  std::fflush(stdout);
  reported_at_ = now;
  images_since_report_ = 0;
}

Result<void> Trainer::save() {
  if (!leads() || options_.checkpoint_dir.empty() || saved_step_ == state_.step) return {};
  auto written = write_checkpoint(options_.checkpoint_dir, state_);
  if (written) saved_step_ = state_.step;
  return written;
}

Result<double> Trainer::test_accuracy() {
  const auto [from, to] = share(data_.test.count, mesh_.rank(), mesh_.size());
  std::vector<std::uint32_t> indices;
  std::int64_t correct = 0;
  constexpr std::size_t chunk = 500;
  for (std::size_t at = from; at < to; at += chunk) {
    indices.clear();
    for (std::size_t i = at; i < std::min(at + chunk, to); ++i)
      indices.push_back(static_cast<std::uint32_t>(i));
    correct += model_.forward(data_.test, indices, state_.weights).correct;
  }
  if (auto summed = mesh_.all_reduce(&correct, &correct, 1, DataType::i64, ReduceOp::sum); !summed)
    return tl::make_unexpected(summed.error());
  return 100.0 * static_cast<double>(correct) / static_cast<double>(data_.test.count);
}

Result<void> Trainer::compare_weights() {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(state_.weights.data());
  const weft::Digest mine = weft::sha256({bytes, state_.weights.size() * sizeof(float)});
  fmt::print("rank {} weights {}\n", mesh_.rank(), weft::to_hex(mine));
  std::fflush(stdout);
  std::vector<weft::Digest> all(mesh_.size());
  constexpr std::size_t words = sizeof(weft::Digest) / sizeof(std::int64_t);
  if (auto gathered = mesh_.all_gather(&mine, all.data(), words, DataType::i64); !gathered)
    return gathered;
  for (std::uint32_t rank = 0; rank < mesh_.size(); ++rank)
    if (all[rank] != all[0])
      return fail(Code::internal,
                  fmt::format("rank {} ends with other weights ({}) than rank 0 ({})", rank,
                              weft::to_hex(all[rank]), weft::to_hex(all[0])));
  return {};
}

}  // namespace fashion
