// What `weft bench` has measured, and how it is told: the text of nccl-tests, its JSON (version 3)
// and CSV. Sources: nccl-tests 2.19.6 (src/common.cu, src/util.cu). Pure. Thread: one.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "transport/bench/spec.hpp"

namespace weft::cli {

struct BenchColumn {
  double time_us = 0, algbw = 0, busbw = 0;  // GB/s of 10^9 bytes
  std::optional<std::uint64_t> wrong;        // none: not checked
  std::string first_wrong;
  std::vector<double> each_us;
};
struct BenchRow {
  std::uint64_t size = 0, count = 0;
  std::string type, redop;
  int root = -1;
  BenchColumn out_of_place, in_place;
};
struct BenchDevice {
  std::uint32_t rank = 0;
  std::int64_t pid = 0;
  std::string host, info;
};
struct BenchReport {
  transport::bench::Spec spec;
  std::vector<std::string> arguments;
  std::string started, ended;  // "2026-11-24 04:30:00"
  std::vector<BenchDevice> devices;
  std::vector<BenchRow> rows;
  bool whole = false;        // the ranks came to the end
  double bandwidth_min = 0;  // GB/s of average busbw that is enough; 0: any

  std::uint64_t wrong() const;
  double average_busbw() const;
  bool too_slow() const { return average_busbw() < bandwidth_min; }
};

// One line of a rank's output into the report; false: it is not one of ours.
bool take_line(BenchReport& report, std::string_view line);

std::string bench_head(const BenchReport& report);  // up to the column names
std::string bench_row(const BenchReport& report, const BenchRow& row);
std::string bench_foot(const BenchReport& report);
nlohmann::ordered_json bench_json(const BenchReport& report);
std::string bench_csv(const BenchReport& report);

}  // namespace weft::cli
