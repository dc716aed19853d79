// nccl-tests' text, column by column, so that what reads it reads this.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "client/cli/bench_report.hpp"

namespace weft::cli {
namespace {

// As many decimals as the width has room for; then powers of ten.
std::string number(double value, std::size_t width) {
  for (const int decimals : {2, 1, 0}) {
    std::string text = fmt::format("{:.{}f}", value, decimals);
    if (text.size() <= width) return text;
  }
  return fmt::format("{:.{}e}", value, width >= 7 ? 1 : 0);
}

std::string cells(const BenchColumn& c, bool per_iteration) {
  std::string out =
      fmt::format("  {:>7}  {:>6}  {:>6}  {:>6}", number(c.time_us, 7), number(c.algbw, 6),
                  number(c.busbw, 6), c.wrong ? fmt::format("{}", *c.wrong) : "N/A");
  if (!per_iteration) return out;
  std::vector<double> sorted = c.each_us;
  if (sorted.empty()) return out + fmt::format("  {:>7}  {:>7}  {:>7}  {:>7}", "", "", "", "");
  std::sort(sorted.begin(), sorted.end());
  double sum = 0, squares = 0;
  for (const double us : sorted) sum += us;
  const double mean = sum / static_cast<double>(sorted.size());
  for (const double us : sorted) squares += (us - mean) * (us - mean);
  const double deviation = std::sqrt(squares / static_cast<double>(sorted.size()));
  const auto rank = static_cast<std::size_t>(
      std::ceil(0.99 * static_cast<double>(sorted.size())));  // nearest rank
  return out + fmt::format("  {:>7}  {:>7}  {:>7}  {:>7}", number(sorted.front(), 7),
                           number(sorted.back(), 7), number(sorted[rank - 1], 7),
                           number(mean > 0 ? 100 * deviation / mean : 0, 7));
}

}  // namespace

std::string bench_head(const BenchReport& report) {
  const auto& s = report.spec;
  std::string out = fmt::format("# weft {}\n", WEFT_VERSION);
  out += fmt::format("# Collective test starting: {}\n", to_string(s.operation));
  out += fmt::format(
      "# nThread 1 nGpus 1 minBytes {} maxBytes {} step: {}({}) warmup iters: {} iters: {} agg "
      "iters: {} validation: {} graph: 0 unalign: 0\n#\n# Using devices\n",
      s.bytes_min, s.bytes_max, s.factor > 1 ? s.factor : s.step_bytes,
      s.factor > 1 ? "factor" : "bytes", s.warmup, s.iterations, s.aggregated, s.checks);
  for (const BenchDevice& d : report.devices)
    out += fmt::format("#  Rank {:2} Group  0 Pid {:6} on {:>10} device  0 [cpu] {}\n", d.rank,
                       d.pid, d.host, d.info);
  const std::string extra = s.per_iteration ? fmt::format("{:36}", "") : "";
  out += fmt::format("#\n# {:>10}  {:>12}  {:>8}  {:>6}  {:>6}  {:^31}{}  {:^31}{}\n", "", "", "",
                     "", "", "out-of-place", extra, "in-place", extra);
  const auto heads = [&](const char* time, const char* a, const char* b, const char* w,
                         const char* i1, const char* i2, const char* i3, const char* i4) {
    std::string text = fmt::format("  {:>7}  {:>6}  {:>6}  {:>6}", time, a, b, w);
    if (s.per_iteration) text += fmt::format("  {:>7}  {:>7}  {:>7}  {:>7}", i1, i2, i3, i4);
    return text;
  };
  const auto names = heads("time", "algbw", "busbw", "#wrong", "i_min", "i_max", "i_p99", "i_cv%");
  const auto units = heads("(us)", "(GB/s)", "(GB/s)", "", "(us)", "(us)", "(us)", "");
  out += fmt::format("# {:>10}  {:>12}  {:>8}  {:>6}  {:>6}{}{} \n", "size", "count", "type",
                     "redop", "root", names, names);
  out += fmt::format("# {:>10}  {:>12}  {:>8}  {:>6}  {:>6}{}{} \n", "(B)", "(elements)", "", "",
                     "", units, units);
  return out;
}

std::string bench_row(const BenchReport& report, const BenchRow& row) {
  const bool each = report.spec.per_iteration;
  return fmt::format("{:>12}  {:>12}  {:>8}  {:>6}  {:>6}{}{}\n", row.size, row.count, row.type,
                     row.redop, row.root, cells(row.out_of_place, each), cells(row.in_place, each));
}

std::string bench_foot(const BenchReport& report) {
  const std::uint64_t wrong = report.wrong();
  std::string out = fmt::format("# {:<20} : {} {}\n", "Out of bounds values", wrong,
                                wrong == 0 ? "OK" : "FAILED");
  const char* verdict = report.bandwidth_min == 0 ? "" : report.too_slow() ? "FAILED" : "OK";
  out +=
      fmt::format("# {:<20} : {:g} {}\n#\n", "Avg bus bandwidth", report.average_busbw(), verdict);
  out += fmt::format("# Collective test concluded: {}\n#\n", to_string(report.spec.operation));
  for (const BenchRow& row : report.rows)
    for (const BenchColumn* c : {&row.out_of_place, &row.in_place})
      if (!c->first_wrong.empty())
        return out + fmt::format("# error: wrong data, size {} {} {}: {}\n", row.size, row.type,
                                 row.redop, c->first_wrong);
  return out + (report.whole ? "\n" : "# error: the ranks did not come to the end\n");
}

}  // namespace weft::cli
