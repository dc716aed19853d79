// ./dev bench fabric: how well each policy uses a fabric, beside the reference, and how long it
// takes to decide as the fabric grows. Prints Markdown, leaves the figures in
// build/bench/fabric.json.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "benchmarks/fabric/reference.hpp"
#include "broker/fabric/simulate/simulate.hpp"

namespace {

using namespace weft::broker::fabric;
using nlohmann::ordered_json;

struct Flags {
  std::vector<std::uint32_t> seeds{1, 2, 3};
  std::vector<std::string> policies{"weft", "baseline", "ta", "laas", "jigsaw"};
  std::vector<std::string> traces;  // none: all
  std::uint32_t jobs = 10'000;
  bool rehome = true;
  std::uint32_t runs = 5;  // of which the least time of each decision is taken
  std::string out = "build/bench";
};

// The time of each decision of a simulation that is run several times: the least of the runs, which
// decide the same things in the same order. So what other programs do to one run does not count,
// and cold caches do: the decision before was another one. Read at the begin and the end of each.
class Stopwatch {
 public:
  void again() { calls_ = 0; }
  std::uint64_t read() {
    const auto now =
        static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    const std::size_t decision = calls_ / 2;
    if (calls_++ % 2 == 0) return begin_ = now;
    if (decision == least_.size()) least_.push_back(now - begin_);
    least_[decision] = std::min(least_[decision], now - begin_);
    return begin_ + least_[decision];
  }

 private:
  std::vector<std::uint64_t> least_;
  std::size_t calls_ = 0;
  std::uint64_t begin_ = 0;
};

// The second column: what is gained when a running slice may move at a step boundary, of which each
// costs this pause.
constexpr std::uint32_t rehome_pause_s = 60;

SimulationReport run(const Tree& tree, const Trace& trace, Policy policy, bool rehome = false) {
  SimulationOptions options;
  if (rehome) options.rehome_pause_s = rehome_pause_s;
  return simulate(tree, trace, policy, options);
}

SimulationReport timed(const Tree& tree, const Trace& trace, Policy policy, std::uint32_t runs) {
  Stopwatch stopwatch;
  SimulationOptions options;
  options.clock_ns = [&] { return stopwatch.read(); };
  SimulationReport out;
  for (std::uint32_t i = 0; i < runs; ++i) {
    stopwatch.again();
    out = simulate(tree, trace, policy, options);
  }
  return out;
}

std::string joined(const std::vector<std::string>& cells) {
  return fmt::format("{}", fmt::join(cells, " / "));
}

// True: all within 0.3 points of the reference where there is one, nothing shared, nothing illegal.
bool utilisation(const Flags& flags, ordered_json& json) {
  fmt::print("\n### Utilisation, % of hosts (seeds {}; {} jobs)\n\n", fmt::join(flags.seeds, " / "),
             flags.jobs);
  fmt::print(
      "| trace | hosts | policy | here | re-homing at {} s, moves a job | reference | makespan, s "
      "| "
      "rounding | shared links |\n",
      rehome_pause_s);
  fmt::print("|---|---|---|---|---|---|---|---|---|\n");
  bool good = true;
  for (const auto& row : weft::bench::trace_rows) {
    const Tree tree = tree_of_radix(row.radix);
    if (!flags.traces.empty() && std::ranges::find(flags.traces, row.name) == flags.traces.end())
      continue;
    for (const std::string& name : flags.policies) {
      const Policy policy = *parse_policy(name);
      std::vector<std::string> here, moved, reference, makespan, waste, shared;
      for (const std::uint32_t seed : flags.seeds) {
        const Trace trace = row.ai ? ai_trace(flags.jobs, seed, tree.hosts())
                                   : synth_trace(row.radix, flags.jobs, seed, tree.hosts());
        const SimulationReport r = run(tree, trace, policy);
        here.push_back(fmt::format("{:.2f}", r.utilisation));
        double net = 0, moves = 0;
        if (policy == Policy::weft && flags.rehome) {
          const SimulationReport m = run(tree, trace, policy, true);
          good = good && m.illegal.empty() && m.shared_hosts == 0 && m.shared_links == 0;
          net = m.utilisation - m.paused;  // what stands still is not used
          moves = static_cast<double>(m.moves) / static_cast<double>(m.jobs);
          moved.push_back(fmt::format("{:.2f} ({:.2f})", net, moves));
        } else {
          moved.emplace_back("-");
        }
        makespan.push_back(std::to_string(r.makespan_s));
        waste.push_back(fmt::format("{:.2f}", r.internal_waste));
        shared.push_back(std::to_string(r.shared_links));
        ordered_json one{{"trace", row.name},
                         {"hosts", tree.hosts()},
                         {"policy", name},
                         {"seed", seed},
                         {"utilisation_percent", r.utilisation},
                         {"rehomed_net_percent", net},
                         {"moves_a_job", moves},
                         {"makespan_s", r.makespan_s},
                         {"internal_waste_percent", r.internal_waste},
                         {"leaf_links_percent", r.leaf_links},
                         {"spine_links_percent", r.spine_links},
                         {"largest_rentable_percent", r.largest_rentable},
                         {"stranded_percent", r.stranded},
                         {"shared_links", r.shared_links},
                         {"illegal", r.illegal.size()}};
        good = good && r.illegal.empty() && r.shared_hosts == 0 &&
               (policy == Policy::baseline || r.shared_links == 0);
        const auto* known_row = weft::bench::reference(row, name);
        if (known_row != nullptr && flags.jobs == 10'000 && seed >= 1 && seed <= 3) {
          const double known = (*known_row)[seed - 1];
          reference.push_back(fmt::format("{:.2f}", known));
          one["reference_percent"] = known;
          good = good && std::abs(known - r.utilisation) <= 0.3;
        } else {
          reference.emplace_back("-");
        }
        json["utilisation"].push_back(std::move(one));
      }
      fmt::print("| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", row.name, tree.hosts(), name,
                 joined(here), joined(moved), joined(reference), joined(makespan), joined(waste),
                 joined(shared));
      std::fflush(stdout);
    }
  }
  return good;
}

void latency(const Flags& flags, ordered_json& json) {
  fmt::print("\n### Decision time, us, by outcome and hosts (Synth, seed 1; {} jobs)\n\n",
             flags.jobs);
  fmt::print("Wall time with the clock's own; of each decision the least of {} equal runs.\n\n",
             flags.runs);
  fmt::print("| policy | hosts | outcome | decisions | p50 | p99 | max |\n");
  fmt::print("|---|---|---|---|---|---|---|\n");
  for (const Policy policy : {Policy::weft, Policy::jigsaw})
    for (const std::uint32_t radix : {16U, 22U, 28U, 36U, 58U}) {
      const Tree tree = tree_of_radix(radix);
      const Trace trace = synth_trace(radix, flags.jobs, 1, tree.hosts());
      const auto r = timed(tree, trace, policy, flags.runs);
      for (std::size_t i = 0; i < outcomes; ++i) {
        const Latency& l = r.latency[i];
        if (l.count == 0) continue;
        const auto us = [](std::uint64_t ns) { return static_cast<double>(ns) / 1e3; };
        fmt::print("| {} | {} | {} | {} | {:.2f} | {:.2f} | {:.1f} |\n", to_string(policy),
                   tree.hosts(), outcome_names[i], l.count, us(l.p50_ns), us(l.p99_ns),
                   us(l.max_ns));
        json["latency"].push_back({{"policy", to_string(policy)},
                                   {"hosts", tree.hosts()},
                                   {"outcome", outcome_names[i]},
                                   {"decisions", l.count},
                                   {"p50_ns", l.p50_ns},
                                   {"p99_ns", l.p99_ns},
                                   {"max_ns", l.max_ns}});
      }
      std::fflush(stdout);
    }
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app{"Policies that cut slices from fat trees, beside a reference."};
  app.name("./dev bench fabric");
  app.add_option("--seeds", flags.seeds, "of the traces (default 1,2,3)")->delimiter(',');
  app.add_option("--policies", flags.policies, "rows to print (default: all)")
      ->delimiter(',')
      ->check(CLI::IsMember({"weft", "baseline", "ta", "laas", "jigsaw"}));
  app.add_option("--traces", flags.traces,
                 "Synth-16, Synth-22, Synth-28, Exp-36, ai-36 (default: all)")
      ->delimiter(',');
  app.add_option("--jobs", flags.jobs, "a trace (default 10000)")->check(CLI::Range(1, 1'000'000));
  app.add_option("--runs", flags.runs, "simulations that time decisions (default 5)")
      ->check(CLI::Range(1, 100));
  app.add_flag("--rehome,!--no-rehome", flags.rehome,
               "the second column, which takes most of the time");
  app.add_option("--out", flags.out, "folder for fabric.json (default build/bench)");
  CLI11_PARSE(app, argc, argv);
  ordered_json json{{"benchmark", "fabric"}, {"jobs", flags.jobs}};
  const bool good = utilisation(flags, json);
  latency(flags, json);
  std::filesystem::create_directories(flags.out);
  const std::string path = flags.out + "/fabric.json";
  std::ofstream(path) << json.dump(1) << "\n";
  fmt::print("\nfigures: {}\n{}\n", path,
             good ? "every row agrees with its reference; no slice shares a link or is illegal"
                  : "WRONG: a row differs from its reference by more than 0.3 points, or a slice "
                    "shares a link or is illegal");
  return good ? 0 : 1;
}
