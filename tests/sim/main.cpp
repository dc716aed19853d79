// weft-sim: the real broker core in a simulated world. See tests/sim/README.md.
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <random>
#include <string_view>
#include <thread>

#include "base/planted.hpp"
#include "tests/sim/run.hpp"

namespace {

using namespace weft;

constexpr std::string_view usage = R"(usage: weft-sim [OPTIONS]

  --seed N          one seed
  --seeds FROM..TO  these seeds (default 1..100)
  --fresh COUNT     COUNT seeds from a random start, which is printed
  --minutes M       length of the hostile time (default: drawn from the seed)
  --threads N       worlds at once (default: one per processor)
  --cover           fail when one of the known faults and branches never happened; print all counts
  --once            do not run each seed a second time to compare digests
  --trace           print what happens, as it happens (with --seed)
)";

[[noreturn]] void wrong(const std::string& what) {
  fmt::print(stderr, "weft-sim: {}\n{}", what, usage);
  std::exit(2);
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  if (text.empty()) wrong("a number is missing");
  for (const char c : text) {
    if (c < '0' || c > '9') wrong(fmt::format("'{}' is not a number", text));
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

struct Call {
  sim::Options options;
  bool cover = false;
};

Call parse(int argc, char** argv) {
  Call call;
  sim::Options& options = call.options;
  options.to = 100;
  options.threads = std::max(1u, std::thread::hardware_concurrency());
  options.program = argv[0];
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const auto value = [&]() -> std::string_view {
      if (++i >= argc) wrong(fmt::format("{} needs a value", flag));
      return argv[i];
    };
    if (flag == "--seed")
      options.from = options.to = number(value());
    else if (flag == "--seeds") {
      const std::string_view range = value();
      const std::size_t dots = range.find("..");
      if (dots == std::string_view::npos) wrong("--seeds wants FROM..TO");
      options.from = number(range.substr(0, dots));
      options.to = number(range.substr(dots + 2));
    } else if (flag == "--fresh") {
      options.from = (static_cast<std::uint64_t>(std::random_device()()) << 16) + 1;
      options.to = options.from + number(value()) - 1;
      fmt::print("seeds {}..{}\n", options.from, options.to);
      std::fflush(stdout);
    } else if (flag == "--minutes")
      options.hostile = minutes(static_cast<std::int64_t>(number(value())));
    else if (flag == "--threads")
      options.threads = static_cast<unsigned>(number(value()));
    else if (flag == "--cover")
      call.cover = true;
    else if (flag == "--once")
      options.once = true;
    else if (flag == "--trace")
      options.trace = true;
#ifdef WEFT_PLANT_RUNTIME
    else if (flag == "--plant")
      plant_number = static_cast<int>(number(value()));
#endif
    else if (flag == "--help" || flag == "-h") {
      fmt::print("{}", usage);
      std::exit(0);
    } else
      wrong(fmt::format("'{}' is not an option", flag));
  }
  return call;
}

}  // namespace

int main(int argc, char** argv) {
  const Call call = parse(argc, argv);
  sim::name_seed_on_abort(argv[0]);
  const auto begin = std::chrono::steady_clock::now();
  const sim::Outcome outcome = sim::run_seeds(call.options);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  fmt::print(
      "{} seeds{}, {} steps, {} records, {} broker crashes, {:.1f} s ({:.1f} seeds a second)\n",
      outcome.seeds, call.options.once ? "" : " (each run twice)", outcome.steps, outcome.records,
      outcome.crashes, took.count(), static_cast<double>(outcome.seeds) / took.count());
  if (!outcome.broken.empty()) return 1;
  if (!call.cover) return 0;
  sim::print_coverage(outcome.coverage);
  bool all = true;
  for (std::size_t i = 0; i < sim::branch_names.size(); ++i) {
    if (outcome.coverage.hits[i] != 0) continue;
    fmt::print(stderr, "weft-sim: in all seeds this never happened: {}\n", sim::branch_names[i]);
    all = false;
  }
  return all ? 0 : 1;
}
