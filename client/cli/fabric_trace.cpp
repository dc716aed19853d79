// weft fabric trace: job traces for simulations. Computes here; no broker is asked.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "broker/fabric/simulate/trace.hpp"
#include "client/cli/fabric_flags.hpp"
#include "client/cli/session.hpp"

namespace weft::cli {

int fabric_trace(const Arguments& arguments) {
  Flags flags(
      "fabric trace", "--radix PORTS [--kind KIND] [--mean HOSTS] [flags]",
      "Writes a job trace as CSV: job,arrival_s,size,runtime_s. The same flags give the same "
      "bytes\neverywhere. synth: exponential sizes; ai: powers of two, small ones more often.");
  Common common(Speaks::never);
  FabricFlags fabric_flags;
  std::string kind = "synth";
  std::uint32_t mean = 0, jobs = 10'000, seed = 1;
  flags.option("--kind", "KIND", "`synth` (default) or `ai`",
               [&kind](const std::string& text) -> Result<void> {
                 if (text != "synth" && text != "ai")
                   return fail(Code::usage, fmt::format("'{}' is not a kind; synth or ai", text));
                 kind = text;
                 return {};
               });
  flags.number("--mean", mean, 1, 65'536, "mean size of synth jobs, hosts (default: the radix)",
               "HOSTS");
  flags.number("--jobs", jobs, 1, 10'000'000, "how many (default 10000)");
  flags.number("--seed", seed, 0, 4'294'967'295U, "of the random numbers (default 1)", "SEED");
  fabric_flags.declare(flags);
  flags.example("weft fabric trace --radix 16 > synth16.csv", "10,000 jobs for 1,024 hosts");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  const auto tree = fabric_flags.tree();
  if (!tree) return refuse("fabric trace", tree.error());
  const std::uint32_t hosts = tree->hosts();
  if (kind == "ai" && flags.given("--mean"))
    return refuse("fabric trace", {Code::usage, "--mean: an ai trace has its own sizes"});
  const fabric::Trace trace =
      kind == "ai" ? fabric::ai_trace(jobs, seed, hosts)
                   : fabric::synth_trace(mean != 0 ? mean : fabric_flags.radix, jobs, seed, hosts);
  if (!common.json) {
    fmt::print("{}", fabric::to_csv(trace));
    return exit_done;
  }
  auto out = nlohmann::ordered_json::array();
  for (const fabric::TraceJob& job : trace)
    out.push_back({{"job", job.job},
                   {"arrival_s", job.arrival_s},
                   {"size", job.size},
                   {"runtime_s", job.runtime_s}});
  fmt::print("{}\n", out.dump(1));
  return exit_done;
}

}  // namespace weft::cli
