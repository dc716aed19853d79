// ./dev bench interference: how much a noisy neighbour slows a job down, on a shared fabric and in
// slices. Interleaved rounds; every ratio is to the victim alone in the same round. Prints
// Markdown, leaves the figures in build/bench/interference.json. Exit code 1: the slices did not
// hold (3 % or a foreign byte), or the shared fabric did not show what they are for.
#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "benchmarks/interference/bench.hpp"
#include "benchmarks/interference/roles.hpp"

namespace {

using namespace weft;
using namespace weft::bench;
using nlohmann::ordered_json;

volatile sig_atomic_t stopped = 0;

struct Spread {
  double median = 0, low = 0, high = 0;
};
Spread spread(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

std::uint64_t bytes(const broker::netns::LinkCount& link) {
  return link.bytes_up + link.bytes_down;
}

struct Figures {
  std::map<Case, std::vector<double>> ms, ratio;  // a run each: median of its all-reduces
  LinkCounts victim_only, neighbour_only, both, neighbour_shared;
};

Result<Figures> measure(Bench& bench, const Flags& flags) {
  Figures out;
  for (int round = 0; round < flags.rounds; ++round) {
    std::map<Case, double> of_round;
    for (std::size_t i = 0; i < std::size(cases); ++i) {  // another one first in every round
      const Case which = cases[(i + static_cast<std::size_t>(round)) % std::size(cases)];
      auto run = bench.run(which);
      if (stopped != 0) return fail(Code::internal, "stopped");
      if (!run) return tl::make_unexpected(run.error());
      of_round[which] = spread(run->us).median / 1e3;
      if (which == Case::alone) out.victim_only = std::move(run->links);
      if (which == Case::slices) out.both = std::move(run->links);
    }
    for (const auto& [which, ms] : of_round) {
      out.ms[which].push_back(ms);
      out.ratio[which].push_back(ms / of_round[Case::alone]);
    }
    fmt::print(stderr, "round {} of {}: {:.1f} ms alone, {:.1f} shared, {:.1f} in slices\n",
               round + 1, flags.rounds, of_round[Case::alone], of_round[Case::shared],
               of_round[Case::slices]);
  }
  for (const bool shared : {false, true}) {
    auto links = bench.neighbour_only(shared);
    if (!links) return tl::make_unexpected(links.error());
    (shared ? out.neighbour_shared : out.neighbour_only) = std::move(*links);
  }
  return out;
}

void times_table(const Flags& flags, const Figures& figures, ordered_json& json) {
  const double bound =
      1.5 * static_cast<double>(flags.bytes) * 8 / (static_cast<double>(flags.megabits) * 1e3);
  fmt::print(
      "\n### All-reduce of {} KiB, 4 ranks over UCX and TCP, uplinks of {} Mbit/s\n\n"
      "A ring moves 1.5 times its buffer over every uplink: {:.1f} ms without any overhead. "
      "Medians "
      "of {} rounds of {}; in brackets the lowest and highest round.\n\n"
      "| the victim runs | ms | ratio to alone |\n|---|---|---|\n",
      flags.bytes >> 10, flags.megabits, bound, flags.rounds, flags.times);
  for (const Case which : cases) {
    const Spread ms = spread(figures.ms.at(which)), ratio = spread(figures.ratio.at(which));
    fmt::print("| {} | {:.1f} ({:.1f} - {:.1f}) | {:.3f} ({:.3f} - {:.3f}) |\n", name_of(which),
               ms.median, ms.low, ms.high, ratio.median, ratio.low, ratio.high);
    json["cases"].push_back({{"case", name_of(which)},
                             {"ms", figures.ms.at(which)},
                             {"ms_median", ms.median},
                             {"ratio_median", ratio.median},
                             {"ratio_low", ratio.low},
                             {"ratio_high", ratio.high}});
  }
}

// Bytes of one slice on links of the other.
std::uint64_t links_table(const Figures& figures, ordered_json& json) {
  fmt::print(
      "\n### Bytes on every link, both ways\n\n"
      "| link | slice | only the victim runs | only the neighbour runs | both, in slices | only "
      "the "
      "neighbour, shared |\n|---|---|---|---|---|---|\n");
  std::uint64_t foreign = 0;
  for (std::size_t i = 0; i < figures.victim_only.size(); ++i) {
    const auto& link = figures.victim_only[i];
    const int owner = Bench::owner(link);
    foreign += owner == 1 ? bytes(figures.neighbour_only[i]) : bytes(link);
    fmt::print("| {} | {} | {} | {} | {} | {} |\n", link.name, owner == 1 ? "victim" : "neighbour",
               bytes(link), bytes(figures.neighbour_only[i]), bytes(figures.both[i]),
               bytes(figures.neighbour_shared[i]));
    json["links"].push_back({{"link", link.name},
                             {"slice", owner},
                             {"victim_only", bytes(link)},
                             {"neighbour_only", bytes(figures.neighbour_only[i])},
                             {"both", bytes(figures.both[i])},
                             {"neighbour_only_shared", bytes(figures.neighbour_shared[i])}});
  }
  json["foreign_bytes"] = foreign;
  return foreign;
}

int report(const Flags& flags, const Figures& figures) {
  ordered_json json{{"benchmark", "interference"},
                    {"rounds", flags.rounds},
                    {"times", flags.times},
                    {"megabits", flags.megabits},
                    {"bytes", flags.bytes}};
  times_table(flags, figures, json);
  const std::uint64_t foreign = links_table(figures, json);
  const double slices = spread(figures.ratio.at(Case::slices)).median;
  const double shared = spread(figures.ratio.at(Case::shared)).median;
  const bool good = slices <= 1.03 && foreign == 0 && shared >= 1.1;
  json["good"] = good;
  std::filesystem::create_directories(flags.out);
  const std::string path = flags.out + "/interference.json";
  std::ofstream(path) << json.dump(1) << "\n";
  fmt::print(
      "\nfigures: {}\n{}: in slices the neighbour costs {:+.1f} %, on the shared fabric {:+.1f} %; "
      "{} "
      "foreign bytes on links of slices\n",
      path, good ? "good" : "WRONG", 100 * (slices - 1), 100 * (shared - 1), foreign);
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words[0] == "rank") return rank({words.begin() + 1, words.end()});
  if (!words.empty() && words[0] == "noise") return noise({words.begin() + 1, words.end()});
  Flags flags;
  CLI::App app{"A noisy neighbour beside an all-reduce: on a shared fabric, and in slices."};
  app.name("./dev bench interference");
  app.add_option("--rounds", flags.rounds, "of all cases (default 5)")->check(CLI::Range(1, 100));
  app.add_option("--times", flags.times, "all-reduces a run (default 4)")
      ->check(CLI::Range(1, 1'000));
  app.add_option("--megabits", flags.megabits, "a second, of an uplink (default 50)")
      ->check(CLI::Range(1, 10'000));
  app.add_option("--bytes", flags.bytes, "of an all-reduce (default 4194304)")
      ->check(CLI::Range(65'536, 1 << 26));
  app.add_option("--out", flags.out, "folder for interference.json (default build/bench)");
  CLI11_PARSE(app, argc, argv);
  struct sigaction stop{};
  stop.sa_handler = [](int) { stopped = 1; };
  for (const int number : {SIGINT, SIGTERM}) sigaction(number, &stop, nullptr);
  auto bench = Bench::open(flags);
  if (!bench) {
    fmt::print(stderr, "interference: {}\n", to_string(bench.error()));
    return 1;
  }
  const auto figures = measure(**bench, flags);
  bench->reset();
  if (!figures) {
    fmt::print(stderr, "interference: {}\n", to_string(figures.error()));
    return 1;
  }
  return report(flags, *figures);
}
