// nccl-tests' JSON, with its oddities (truth as words, root as a padded word), and what is read
// from our ranks.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "client/cli/bench_report.hpp"

namespace weft::cli {
namespace {

using Json = nlohmann::ordered_json;

BenchColumn column_of(const Json& json) {
  BenchColumn out;
  out.time_us = json.at("time_us").get<double>();
  out.algbw = json.at("algbw").get<double>();
  out.busbw = json.at("busbw").get<double>();
  if (!json.at("wrong").is_null()) out.wrong = json.at("wrong").get<std::uint64_t>();
  out.first_wrong = json.value("first_wrong", "");
  if (json.contains("each_us")) out.each_us = json["each_us"].get<std::vector<double>>();
  return out;
}

Json column_json(const BenchColumn& c) {
  return {{"time", c.time_us},
          {"alg_bw", c.algbw},
          {"bus_bw", c.busbw},
          {"nwrong", c.wrong ? Json(static_cast<double>(*c.wrong)) : Json(nullptr)}};
}

Json each_json(const BenchColumn& c) {
  std::vector<double> sorted = c.each_us;
  std::sort(sorted.begin(), sorted.end());
  double sum = 0, squares = 0;
  for (const double us : sorted) sum += us;
  const auto n = static_cast<double>(sorted.size());
  const double mean = sum / n;
  for (const double us : sorted) squares += (us - mean) * (us - mean);
  const auto at = [&](double share) {
    return sorted[static_cast<std::size_t>(std::max(std::ceil(share * n), 1.0)) - 1];
  };
  const double deviation = std::sqrt(squares / n);
  return {{"skipped_iterations", 0},
          {"min_us", sorted.front()},
          {"max_us", sorted.back()},
          {"avg_us", mean},
          {"p50_us", at(0.5)},
          {"p95_us", at(0.95)},
          {"p99_us", at(0.99)},
          {"stdev_us", deviation},
          {"cv_pct", mean > 0 ? 100 * deviation / mean : 0},
          {"times_us", c.each_us}};
}

Json config_json(const BenchReport& report) {
  const auto& s = report.spec;
  Json out{{"nthreads", 1},
           {"ngpus", 1},
           {"minimum_bytes", s.bytes_min},
           {"maximum_bytes", s.bytes_max}};
  out[s.factor > 1 ? "step_factor" : "step_bytes"] = s.factor > 1 ? s.factor : s.step_bytes;
  out["warmup_iters"] = s.warmup;
  out["iterations"] = s.iterations;
  out["aggregated_iterations"] = s.aggregated;
  out["validation"] = s.checks;
  out["graph"] = 0;
  out["blocking_collectives"] = "false";
  out["per_iter_timing"] = s.per_iteration ? "true" : "false";
  out["per_iter_skip"] = 0;
  out["parallel_init"] = "false";
  out["devices"] = Json::array();
  for (const BenchDevice& d : report.devices)
    out["devices"].push_back({{"rank", d.rank},
                              {"group", 0},
                              {"pid", d.pid},
                              {"hostname", d.host},
                              {"device", 0},
                              {"device_hex", "cpu"},
                              {"device_info", d.info}});
  return out;
}

}  // namespace

std::uint64_t BenchReport::wrong() const {
  std::uint64_t out = 0;
  for (const BenchRow& row : rows)
    out += row.out_of_place.wrong.value_or(0) + row.in_place.wrong.value_or(0);
  return out;
}

double BenchReport::average_busbw() const {
  double sum = 0;
  for (const BenchRow& row : rows) sum += row.out_of_place.busbw + row.in_place.busbw;
  return rows.empty() ? 0 : sum / (2 * static_cast<double>(rows.size()));
}

bool take_line(BenchReport& report, std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("kind")) return false;
  try {
    const std::string kind = json["kind"];
    if (kind == "end") {
      report.whole = true;
    } else if (kind == "head") {
      for (const Json& d : json.at("devices"))
        report.devices.push_back({d.at("rank"), d.at("pid"), d.at("host"), d.at("info")});
    } else if (kind == "row") {
      BenchRow row{json.at("size"),
                   json.at("count"),
                   json.at("type"),
                   json.at("redop"),
                   json.at("root"),
                   column_of(json.at("out_of_place")),
                   column_of(json.at("in_place"))};
      report.rows.push_back(std::move(row));
    } else {
      return false;
    }
  } catch (const nlohmann::json::exception&) {
    return false;
  }
  return true;
}

Json bench_json(const BenchReport& report) {
  Json out{{"version", 3},
           {"start_time", report.started},
           {"args", report.arguments},
           {"env", Json::array()},
           {"nccl_version", 0},
           {"config", config_json(report)},
           {"results", Json::array()}};
  for (const BenchRow& row : report.rows) {
    Json one{{"size", row.size},
             {"count", row.count},
             {"type", row.type},
             {"redop", row.redop},
             {"root", fmt::format("{:>6}", row.root)},
             {"out_of_place", column_json(row.out_of_place)}};
    if (!row.out_of_place.each_us.empty())
      one["out_of_place_per_iter"] = each_json(row.out_of_place);
    one["in_place"] = column_json(row.in_place);
    if (!row.in_place.each_us.empty()) one["in_place_per_iter"] = each_json(row.in_place);
    one["actual_iterations"] = report.spec.iterations;
    one["experiment_name"] = "";
    out["results"].push_back(std::move(one));
  }
  const std::uint64_t wrong = report.wrong();
  out["out_of_bounds"] = {{"count", wrong}, {"okay", wrong == 0 ? "true" : "false"}};
  const char* verdict = report.bandwidth_min == 0 ? "unchecked"
                        : report.too_slow()       ? "false"
                                                  : "true";
  out["average_bus_bandwidth"] = {{"bandwidth", report.average_busbw()}, {"okay", verdict}};
  out["errors"] = Json::array();
  for (const BenchRow& row : report.rows)
    for (const BenchColumn* c : {&row.out_of_place, &row.in_place})
      if (!c->first_wrong.empty()) out["errors"].push_back(c->first_wrong);
  if (!report.whole) out["errors"].push_back("the ranks did not come to the end");
  out["end_time"] = report.ended;
  out["weft"] = {{"version", WEFT_VERSION}};
  return out;
}

std::string bench_csv(const BenchReport& report) {
  std::string out =
      "operation,size,count,type,redop,root,placement,time_us,algbw_gbps,busbw_gbps,wrong\n";
  for (const BenchRow& row : report.rows)
    for (const auto& [name, c] :
         {std::pair("out_of_place", &row.out_of_place), std::pair("in_place", &row.in_place)})
      out += fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", to_string(report.spec.operation),
                         row.size, row.count, row.type, row.redop, row.root, name, c->time_us,
                         c->algbw, c->busbw, c->wrong ? fmt::format("{}", *c->wrong) : "");
  return out;
}

}  // namespace weft::cli
