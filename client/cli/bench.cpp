// weft bench: a sweep of a collective over a slice, with nccl-tests' flags and output.
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "client/cli/bench_report.hpp"
#include "client/cli/follow_job.hpp"
#include "client/cli/job_file.hpp"
#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/up/process.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {
namespace {

namespace bench = transport::bench;

constexpr int exit_wrong_data = 5, exit_too_slow = 9;

struct BenchFlags {
  bench::Spec spec;
  std::string program, json_path, csv_path, per_iteration = "0";
  std::string bandwidth_min;
  std::uint32_t factor = 0;
  yaml::Overrides overrides;
};

std::string stamp() {
  const std::time_t t = std::time(nullptr);
  std::tm parts{};
  localtime_r(&t, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

template <class T, class Parse>
Flags::Take into(T& out, Parse parse) {
  return [&out, parse](const std::string& text) -> Result<void> {
    auto value = parse(text);
    if (!value) return tl::make_unexpected(value.error());
    out = std::move(*value);
    return {};
  };
}

// -o is nccl-tests' reduction and every verb's output: the value tells them apart.
Arguments with_redop(Arguments arguments) {
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i)
    if (arguments[i] == "-o" && bench::parse_reductions(arguments[i + 1])) arguments[i] = "--redop";
  return arguments;
}

void declare(Flags& flags, BenchFlags& b) {
  bench::Spec& s = b.spec;
  const auto setting = [&](const char* names, const char* value, const char* key,
                           const char* help) {
    flags.option(names, value, help, [&b, key](const std::string& text) -> Result<void> {
      b.overrides.settings.push_back({key, text});
      return {};
    });
  };
  flags.argument("OPERATION",
                 "all_reduce, all_gather, reduce_scatter, broadcast, reduce, alltoall, gather or "
                 "scatter",
                 into(s.operation, bench::parse_operation));
  flags.option("-b,--minbytes", "SIZE", "first size (default 32M)",
               into(s.bytes_min, bench::parse_bytes));
  flags.option("-e,--maxbytes", "SIZE", "last size (default 32M)",
               into(s.bytes_max, bench::parse_bytes));
  flags.option("-i,--stepbytes", "SIZE", "from one size to the next (default 1M)",
               into(s.step_bytes, bench::parse_bytes));
  flags.number("-f,--stepfactor", b.factor, 2, 1'024, "instead of -i: a size times this", "FACTOR");
  flags.number("-n,--iters", s.iterations, 1, 1'000'000, "timed iterations (default 20)");
  flags.number("-w,--warmup_iters", s.warmup, 0, 1'000'000, "before them (default 1)");
  flags.number("-m,--agg_iters", s.aggregated, 1, 10'000, "operations an iteration (default 1)");
  flags.number("-c,--check", s.checks, 0, 1'000, "checks of every element; 0: none (default 1)");
  flags.option("--redop", "OP", "sum, prod, min, max, avg or all; -o too (default sum)",
               into(s.reductions, bench::parse_reductions));
  flags.option("-d,--datatype", "TYPE",
               "int8, uint8, int32, int64, half, float, double, bfloat16, bool or all (default "
               "float)",
               into(s.types, bench::parse_types));
  flags.number("-r,--root", s.root, 0, limits::ranks_per_job_max, "of operations that have one",
               "RANK");
  flags.number("-a,--average", s.average, 0, 3,
               "time of: 0 rank 0, 1 the mean, 2 the least, 3 the most of the ranks (default 1)",
               "HOW");
  flags.option("-I,--per_iter", b.per_iteration, "0|1",
               "1: each iteration's time, and columns for it");
  flags.option("-J,--output_file", b.json_path, "FILE.json", "nccl-tests' JSON, never overwritten");
  flags.option("--csv", b.csv_path, "FILE", "a line a row and placement");
  flags.option("--min-bw", b.bandwidth_min, "GB/S",
               "exit 9 when the average bus bandwidth is below 0.9 of it");
  flags.flag("--plant-wrong", s.plant_wrong, "make one value wrong, to see that it is found");
  setting("-N,--nodes", "COUNT", "nodes", "nodes (default 1; nccl-tests' -N is not there)");
  setting("--ranks-per-node", "COUNT", "ranks_per_node", "processes on each node (default 1)");
  setting("--lease", "LEASE", "lease.use", "on this lease of yours instead of renting one");
  setting("-t,--time", "DURATION", "time", "at most (default 30m)");
  setting("-p,--max-price", "PRICE", "lease.max_price", "most to pay, dollars per unit-hour");
  setting("--within", "LEVEL", "slice.within", "leaf, block or any (default any)");
  setting("--exclusive", "WHAT", "slice.exclusive", "links, switches or none (default links)");
  flags.option("--program", b.program, "PATH",
               "weft-bench-rank on the nodes (default: beside this program)");
  flags.example("weft bench all_reduce -b 8 -e 128M -f 2 -N 4", "four nodes, sizes doubling");
}

// NAME.json, NAME.json.0, NAME.json.1 ...
Result<void> write_new(const std::string& path, const std::string& text) {
  std::string name = path;
  for (int i = 0; ::access(name.c_str(), F_OK) == 0; ++i) name = fmt::format("{}.{}", path, i);
  std::ofstream out(name);
  out << text;
  if (!out.flush()) return fail(Code::usage, name + ": can't be written");
  return {};
}

// The ranks' lines as they come.
class Reader {
 public:
  Reader(BenchReport& report, bool print) : report_(report), print_(print) {}
  void take(std::span<const std::uint8_t> data) {
    text_.append(data.begin(), data.end());
    for (std::size_t end; (end = text_.find('\n')) != std::string::npos; text_.erase(0, end + 1))
      line(text_.substr(0, end));
  }

 private:
  void line(const std::string& text) {
    const std::size_t rows = report_.rows.size(), devices = report_.devices.size();
    if (!take_line(report_, text)) return fmt::print(stderr, "{}\n", text), void();
    if (!print_) return;
    if (report_.devices.size() > devices) fmt::print("{}", bench_head(report_));
    if (report_.rows.size() > rows) fmt::print("{}", bench_row(report_, report_.rows.back()));
    std::fflush(stdout);
  }
  BenchReport& report_;
  bool print_;
  std::string text_;
};

Result<std::optional<JobSpec>> job_of(BenchFlags& b, const Flags& flags) {
  if (b.program.empty()) {
    auto beside = sibling_program("weft-bench-rank");
    if (!beside) return tl::make_unexpected(beside.error());
    b.program = std::move(*beside);
  }
  // From its own folder: a rank that may not pass the folders above can still start it.
  const std::filesystem::path program = std::filesystem::absolute(b.program);
  b.overrides.run = {"./" + program.filename().string()};
  for (const std::string& word : bench::words_of(b.spec)) b.overrides.run.push_back(word);
  auto& settings = b.overrides.settings;
  if (!flags.given("--nodes")) settings.push_back({"nodes", "1"});
  if (!flags.given("--time")) settings.push_back({"time", "30m"});
  settings.push_back({"name", "bench"});
  settings.push_back({"workdir", program.parent_path().string()});
  return read_job_file({}, b.overrides,
                       {{"--nodes", "nodes"},
                        {"--ranks-per-node", "ranks_per_node"},
                        {"--time", "time"},
                        {"--max-price", "lease.max_price"},
                        {"--lease", "lease.use"},
                        {"--within", "slice.within"},
                        {"--exclusive", "slice.exclusive"},
                        {"OPERATION", "run"}});
}

Result<void> complete(BenchFlags& b, BenchReport& report) {
  b.spec.factor = b.factor;
  b.spec.per_iteration = b.per_iteration == "1";
  if (b.per_iteration != "0" && b.per_iteration != "1")
    return fail(Code::usage, fmt::format("-I {}: 0 or 1", b.per_iteration));
  if (!b.json_path.empty() && !b.json_path.ends_with(".json"))
    return fail(Code::usage, fmt::format("-J {}: the name must end in .json", b.json_path));
  if (!b.bandwidth_min.empty()) {
    char* end = nullptr;
    report.bandwidth_min = 0.9 * std::strtod(b.bandwidth_min.c_str(), &end);
    if (*end != '\0' || !(report.bandwidth_min > 0))
      return fail(Code::usage, fmt::format("--min-bw {}: GB/s, e.g. 12.5", b.bandwidth_min));
  }
  return bench::check(b.spec);
}

}  // namespace

int verb_bench(const Arguments& arguments) {
  Flags flags(
      "bench", "OPERATION [-b SIZE] [-e SIZE] [-f FACTOR] [-N COUNT] [flags]",
      "Measures a collective on a slice, with the flags and the output of nccl-tests: rents\n"
      "the nodes, runs the sweep on them, checks every element, gives them back.\n"
      "5: wrong data; 9: too slow (--min-bw); else as `weft run`.");
  Common common;
  BenchFlags b;
  BenchReport report;
  declare(flags, b);
  if (const int code = begin(flags, common, with_redop(arguments)); code >= 0) return code;
  if (auto fine = complete(b, report); !fine) return refuse("bench", fine.error());
  auto job = job_of(b, flags);
  if (!job) return refuse("bench", job.error());
  if (!*job) return exit_usage;
  JobSpec spec = std::move(**job);
  spec.console_ranks = {0};
  report.spec = b.spec;
  report.arguments = {"weft", "bench"};
  report.arguments.insert(report.arguments.end(), arguments.begin(), arguments.end());
  report.started = stamp();

  auto client = connect(common, {"customer", "operator"});
  if (!client) return refuse("bench", client.error());
  auto submitted = (*client)->get<Submitted>(SubmitJob{spec, false, false}, common.mutating());
  if (!submitted) return refuse("bench", submitted.error());
  Reader reader(report, !common.json);
  FollowOptions options;
  options.verb = "bench";
  options.ranks = {0};
  options.take = [&reader](std::uint32_t, bool errors, std::span<const std::uint8_t> data) {
    if (errors)
      fmt::print(stderr, "{}", std::string(data.begin(), data.end()));
    else
      reader.take(data);
  };
  const int code = JobFollow(**client, submitted->job, spec, submitted->state, options).run();
  report.ended = stamp();
  const std::string json = bench_json(report).dump(1) + "\n";
  fmt::print("{}", common.json ? json : report.devices.empty() ? "" : bench_foot(report));
  if (!b.json_path.empty())
    if (auto written = write_new(b.json_path, json); !written)
      return refuse("bench", written.error());
  if (!b.csv_path.empty())
    if (auto written = write_new(b.csv_path, bench_csv(report)); !written)
      return refuse("bench", written.error());
  if (code != 0) return code;
  if (report.wrong() > 0) return exit_wrong_data;
  return report.too_slow() ? exit_too_slow : exit_done;
}

}  // namespace weft::cli
