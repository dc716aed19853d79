// Trains a small network on Fashion-MNIST, data-parallel over the mesh of its job. Runs alone as
// one rank, too. Exit codes: 0 done, 1 failed, 2 usage, 75 saved after a signal and to be resumed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "trainer.hpp"

namespace fashion {
namespace {

constexpr int exit_resume = 75;
volatile std::sig_atomic_t stop_asked = 0;
void ask_to_stop(int) { stop_asked = 1; }

void catch_signals() {
  struct sigaction action{};
  action.sa_handler = ask_to_stop;
  action.sa_flags = SA_RESTART;
  for (const int number : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2})
    ::sigaction(number, &action, nullptr);
}

void add_flags(CLI::App& app, Options& o) {
  app.add_option("--data", o.data, "Folder of the four IDX files")->capture_default_str();
  app.add_option("--hidden", o.hidden, "Sizes of the hidden layers, e.g. 256,128")
      ->delimiter(',')
      ->check(CLI::Range(1, 8192))
      ->capture_default_str();
  app.add_option("--epochs", o.epochs, "Passes over the training images")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--batch", o.batch, "Images per step, over all ranks")
      ->check(CLI::Range(1, 60'000))
      ->capture_default_str();
  app.add_option("--shards", o.shards,
                 "Shards of a batch, split over the ranks; the result does not depend on the "
                 "number of ranks")
      ->check(CLI::Range(1, 4'096))
      ->capture_default_str();
  app.add_option("--lr", o.rate, "Learning rate at the start; falls to 0")
      ->check(CLI::Range(1e-6, 10.0))
      ->capture_default_str();
  app.add_option("--momentum", o.momentum, "Momentum")
      ->check(CLI::Range(0.0, 0.9999))
      ->capture_default_str();
  app.add_option("--seed", o.seed, "Seed of weights and order")->capture_default_str();
  app.add_option("--limit", o.limit, "Training images used; 0: all")->capture_default_str();
  app.add_option("--bucket-kib", o.bucket_kib, "Gradients per all_reduce")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--report-every", o.report_every, "Steps between two lines")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  app.add_option("--checkpoint-every", o.checkpoint_every,
                 "Steps between two checkpoints; 0: only at the end")
      ->capture_default_str();
  app.add_option("--checkpoint-dir", o.checkpoint_dir,
                 "Folder of checkpoints; default: $WEFT_CKPT_DIR, else none");
  app.add_option("--dump-weights", o.dump_weights, "File for the final weights, raw f32 (rank 0)");
}

weft::Result<void> dump(const std::string& path, const State& state) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(state.weights.data()),
            static_cast<std::streamsize>(state.weights.size() * sizeof(float)));
  out.close();
  if (!out) return weft::fail(weft::Code::os_error, path + ": cannot be written");
  return {};
}

weft::Result<int> run(const Options& options) {
  auto data = load_dataset(options.data);
  if (!data) return tl::make_unexpected(data.error());
  auto mesh = weft::Mesh::join();
  if (!mesh) return tl::make_unexpected(mesh.error());
  weft::Mesh& ranks = **mesh;
  if (options.shards < ranks.size())
    return weft::fail(weft::Code::usage,
                      fmt::format("--shards: {} for {} ranks; at least one a rank, so {} or more",
                                  options.shards, ranks.size(), ranks.size()));
  Trainer trainer(ranks, *data, options, stop_asked);
  if (ranks.rank() == 0)
    fmt::print("{} ranks, {} weights, {} training images\n", ranks.size(),
               trainer.state().weights.size(),
               options.limit > 0 ? options.limit : data->train.count);
  if (auto resumed = trainer.resume(); !resumed) return tl::make_unexpected(resumed.error());
  const auto ending = trainer.train();
  if (!ending) return tl::make_unexpected(ending.error());
  if (auto same = trainer.compare_weights(); !same) return tl::make_unexpected(same.error());
  if (*ending == Ending::stopped) {
    if (ranks.rank() == 0) fmt::print("stopped after step {}\n", trainer.state().step);
  } else {
    const auto accuracy = trainer.test_accuracy();
    if (!accuracy) return tl::make_unexpected(accuracy.error());
    if (ranks.rank() == 0) fmt::print("test accuracy {:.1f} %\n", *accuracy);
  }
  if (ranks.rank() == 0 && !options.dump_weights.empty())
    if (auto dumped = dump(options.dump_weights, trainer.state()); !dumped)
      return tl::make_unexpected(dumped.error());
  if (auto left = ranks.leave(); !left) return tl::make_unexpected(left.error());
  return *ending == Ending::stopped ? exit_resume : 0;
}

}  // namespace
}  // namespace fashion

int main(int argc, char** argv) {
  fashion::Options options;
  if (const char* folder = std::getenv("WEFT_CKPT_DIR")) options.checkpoint_dir = folder;
  CLI::App app{"Trains a network on Fashion-MNIST, data-parallel over the ranks of a weft job."};
  fashion::add_flags(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  fashion::catch_signals();
  const auto code = fashion::run(options);
  if (code) return *code;
  const char* rank = std::getenv("RANK");
  fmt::print(stderr, "fashion_mnist: rank {}: {}\n", rank ? rank : "0",
             weft::to_string(code.error()));
  return 1;
}
