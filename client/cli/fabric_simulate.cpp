// weft fabric simulate: what a fabric makes of a job trace under each allocation policy. Computes
// here; no broker is asked.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "broker/fabric/simulate/simulate.hpp"
#include "client/cli/fabric_files.hpp"
#include "client/cli/fabric_flags.hpp"
#include "client/cli/output.hpp"
#include "client/cli/session.hpp"

namespace weft::cli {
namespace {

constexpr std::size_t trace_bytes_max = std::size_t{512} << 20;

void print(const fabric::Tree& tree, std::string_view policy, const fabric::Cut& missing,
           const fabric::SimulationReport& report) {
  fmt::print("{} hosts, {} leaves, {} L2 switches, {} spines; policy {}\n", tree.hosts(),
             tree.leaves(), tree.l2(), tree.spines(), policy);
  if (missing.hosts() + missing.leaf_links() + missing.spine_links() != 0)
    fmt::print("not to rent   {} hosts, {} links leaf to L2, {} links L2 to spine\n",
               missing.hosts(), missing.leaf_links(), missing.spine_links());
  fmt::print("jobs          {} started of {}{}\n", report.started, report.jobs,
             report.never ? fmt::format("; {} fit nowhere even alone", report.never) : "");
  fmt::print("makespan      {} s; measured from the first wait, {} s, to the last start, {} s\n",
             report.makespan_s, report.first_wait_s, report.last_start_s);
  fmt::print("utilisation   {:.2f} % of hosts; {:.2f} % more lost by rounding up\n",
             report.utilisation, report.internal_waste);
  fmt::print("links owned   {:.1f} % leaf to L2, {:.1f} % L2 to spine\n", report.leaf_links,
             report.spine_links);
  fmt::print("free hosts    {:.1f} % in the largest slice to rent, {:.1f} % in none\n",
             report.largest_rentable, report.stranded);
  fmt::print("shared        {} links, {} hosts; {} slices of illegal shape\n", report.shared_links,
             report.shared_hosts, report.illegal.size());
  std::string waits;
  for (std::size_t i = 1; i < fabric::refusals; ++i)
    if (report.refused[i] != 0)
      waits += fmt::format("{}{} {}", waits.empty() ? "" : ", ",
                           fabric::to_string(static_cast<fabric::Refusal>(i)), report.refused[i]);
  fmt::print("head waited   {}\n\n", waits.empty() ? "never" : waits);
  Table table({"decision", ">count", ">p50 us", ">p99 us", ">max us"});
  const auto us = [](std::uint64_t ns) {
    return fmt::format("{:.2f}", static_cast<double>(ns) / 1e3);
  };
  for (std::size_t i = 0; i < fabric::outcomes; ++i)
    if (const fabric::Latency& l = report.latency[i]; l.count != 0)
      table.row({fabric::outcome_names[i], std::to_string(l.count), us(l.p50_ns), us(l.p99_ns),
                 us(l.max_ns)});
  fmt::print("{}", table.text());
}

nlohmann::ordered_json json_of(const fabric::Tree& tree, std::string_view policy,
                               const fabric::Cut& missing, const fabric::SimulationReport& report) {
  nlohmann::ordered_json out{{"hosts", tree.hosts()},
                             {"missing_hosts", missing.hosts()},
                             {"policy", policy},
                             {"jobs", report.jobs},
                             {"started", report.started},
                             {"never", report.never},
                             {"makespan_s", report.makespan_s},
                             {"first_wait_s", report.first_wait_s},
                             {"last_start_s", report.last_start_s},
                             {"utilisation_percent", report.utilisation},
                             {"internal_waste_percent", report.internal_waste},
                             {"leaf_links_percent", report.leaf_links},
                             {"spine_links_percent", report.spine_links},
                             {"largest_rentable_percent", report.largest_rentable},
                             {"stranded_percent", report.stranded},
                             {"moves", report.moves},
                             {"paused_percent", report.paused},
                             {"shared_links", report.shared_links},
                             {"shared_hosts", report.shared_hosts},
                             {"illegal", report.illegal}};
  for (std::size_t i = 1; i < fabric::refusals; ++i)
    out["head_waited"][std::string(fabric::to_string(static_cast<fabric::Refusal>(i)))] =
        report.refused[i];
  for (std::size_t i = 0; i < fabric::outcomes; ++i) {
    const fabric::Latency& l = report.latency[i];
    out["decisions"][fabric::outcome_names[i]] = {
        {"count", l.count}, {"p50_ns", l.p50_ns}, {"p99_ns", l.p99_ns}, {"max_ns", l.max_ns}};
  }
  return out;
}

}  // namespace

int fabric_simulate(const Arguments& arguments) {
  Flags flags("fabric simulate",
              "--radix PORTS|--fabric FILE --trace FILE [--policy POLICY] [flags]",
              "Runs a job trace through a fabric with EASY backfill and says how well it was used. "
              "Policies:\nbaseline (any hosts, links ignored), ta (owned switches), laas (whole "
              "leaves), jigsaw (legal shapes).");
  Common common(Speaks::never);
  FabricFlags fabric_flags;
  std::string path;
  fabric::Policy policy = fabric::Policy::weft;
  fabric::SimulationOptions options;
  flags.option("--trace", path, "FILE",
               "CSV as `weft fabric trace` writes it; - is standard input");
  flags.option(
      "--policy", "POLICY", "weft (default), baseline, ta, laas or jigsaw",
      [&policy](const std::string& text) -> Result<void> {
        const auto parsed = fabric::parse_policy(text);
        if (!parsed)
          return fail(
              Code::usage,
              fmt::format("'{}' is not a policy; weft, baseline, ta, laas or jigsaw", text));
        policy = *parsed;
        return {};
      });
  flags.number("--lookahead", options.lookahead, 0, 1'000'000,
               "places behind the head that may start early; 0: first in, first out (default 50)",
               "PLACES");
  flags.number("--rehome", options.rehome_pause_s, 0, 86'400,
               "running slices may be given other places to let the head start; each stands still "
               "for so long (default 0: never)",
               "SECONDS");
  fabric_flags.declare(flags);
  std::string fabric_path;
  flags.option("--fabric", fabric_path, "FILE",
               "instead of --radix: YAML or ibnetdiscover text; what it lacks no job gets");
  flags.example("weft fabric trace --radix 16 | weft fabric simulate --radix 16 --trace -",
                "how well 1,024 hosts are used");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  if (!fabric_path.empty() && (flags.given("--radix") || flags.given("--levels")))
    return refuse("fabric simulate",
                  {Code::usage,
                   "--fabric: the file has a tree of its own; leave out --radix and "
                   "--levels"});
  auto tree = fabric_path.empty() ? fabric_flags.tree() : fabric::Tree{};
  if (!tree) return refuse("fabric simulate", tree.error());
  if (path.empty())
    return refuse("fabric simulate",
                  {Code::usage, "--trace is missing; `weft fabric trace` writes one"});
  if (!fabric_path.empty()) {
    const auto file = read_fabric_file("--fabric", fabric_path);
    if (!file) return refuse("fabric simulate", file.error());
    if (!*file) return exit_usage;
    tree = (*file)->fabric->tree();
    options.missing = unrentable(*(*file)->fabric);
  }
  const auto text = read_whole("--trace", path, trace_bytes_max);
  if (!text) return refuse("fabric simulate", text.error());
  const auto trace = fabric::read_trace(*text, path);
  if (!trace) return refuse("fabric simulate", trace.error());
  options.clock_ns = [] {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  };
  const bool watched = isatty(STDERR_FILENO) == 1 && !common.json;
  if (watched)
    options.progress = [](std::size_t started, std::size_t all) {
      if (started % 500 == 0) fmt::print(stderr, "\r{} of {} jobs", started, all);
    };
  const fabric::SimulationReport report = fabric::simulate(*tree, *trace, policy, options);
  if (watched) fmt::print(stderr, "\r\033[K");
  if (common.json)
    fmt::print("{}\n", json_of(*tree, fabric::to_string(policy), options.missing, report).dump(1));
  else
    print(*tree, fabric::to_string(policy), options.missing, report);
  return report.illegal.empty() && report.shared_hosts == 0 ? exit_done : exit_verify;
}

}  // namespace weft::cli
