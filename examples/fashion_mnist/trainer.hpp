// Data-parallel training: every rank holds the whole model; each step's batch is cut into a fixed
// number of shards, which are split over the ranks; the gradients are summed, and every rank makes
// the same update, bit for bit - the same that one rank alone would make.
#pragma once
#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint.hpp"
#include "dataset.hpp"
#include "gradient.hpp"
#include "model.hpp"
#include "transport/mesh.hpp"

namespace fashion {

struct Options {
  std::string data = "/usr/share/datasets/fashion-mnist";
  std::vector<int> hidden{128};
  int epochs = 5;
  std::uint32_t batch = 256;  // over all ranks
  std::uint32_t shards = 8;   // of a batch; at least one a rank
  float rate = 0.05F, momentum = 0.9F;
  std::uint64_t seed = 1;
  std::uint32_t limit = 0;                                  // training images used; 0: all
  std::uint32_t bucket_kib = 128;                           // of gradients per all_reduce
  std::uint64_t checkpoint_every = 200, report_every = 50;  // steps
  std::string checkpoint_dir;                               // empty: none
  std::string dump_weights;
};

enum class Ending { finished, stopped };

class Trainer {
 public:
  // `stop` is set by a signal handler: the run then ends at the next step that all ranks agree on.
  Trainer(weft::Mesh& mesh, const Dataset& data, const Options& options,
          const volatile std::sig_atomic_t& stop);

  weft::Result<void> resume();  // from the newest checkpoint, if there is one
  weft::Result<Ending> train();
  weft::Result<double> test_accuracy();  // in per cent
  // Fails unless every rank holds the same weights, bit for bit. Prints this rank's digest.
  weft::Result<void> compare_weights();
  [[nodiscard]] const State& state() const { return state_; }

 private:
  weft::Result<bool> run_step(const std::vector<std::uint32_t>& order, std::uint64_t step_in_epoch);
  void compute_shards(const std::vector<std::uint32_t>& order, std::size_t from, std::size_t count);
  weft::Result<void> save();
  void report(std::uint64_t step, const StepTotals& totals, std::size_t images);
  [[nodiscard]] std::uint64_t settings_digest() const;
  [[nodiscard]] bool leads() const { return mesh_.rank() == 0; }

  weft::Mesh& mesh_;
  const Dataset& data_;
  const Options& options_;
  const volatile std::sig_atomic_t& stop_;
  Model model_;
  SharedGradient gradient_;
  State state_;
  std::uint32_t train_count_;
  std::uint64_t steps_per_epoch_, saved_step_ = UINT64_MAX;
  std::uint64_t images_since_report_ = 0;
  double reported_at_ = 0;
};

}  // namespace fashion
