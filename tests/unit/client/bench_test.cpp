// `weft bench` as its readers see it: nccl-tests' columns and keys, and what the flags mean.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "client/cli/bench_report.hpp"

namespace weft::cli {
namespace {

using namespace transport::bench;
using ::testing::HasSubstr;

BenchReport sample() {
  BenchReport report;
  report.spec.bytes_min = 8;
  report.spec.bytes_max = 128 << 20;
  report.spec.factor = 2;
  report.started = "2026-11-24 04:30:00";
  report.devices = {{0, 3591, "node-1", "AMD EPYC"}};
  report.rows = {{2'097'152,
                  524'288,
                  "float",
                  "sum",
                  -1,
                  {113.2, 18.526, 18.526, 0, {}, {}},
                  {93.346, 22.466, 22.466, 0, {}, {}}}};
  report.whole = true;
  return report;
}

TEST(BenchText, ARowIsNcclTestsRow) {
  const BenchReport report = sample();
  EXPECT_EQ(bench_row(report, report.rows[0]),
            "     2097152        524288     float     sum      -1   113.20   18.53   18.53       0 "
            "   93.35   22.47   22.47       0\n");
}

TEST(BenchText, NumbersGiveUpDecimalsBeforeWidth) {
  BenchReport report = sample();
  BenchColumn& c = report.rows[0].out_of_place;
  const auto cell = [&](double us) {
    c.time_us = us;
    std::istringstream words(bench_row(report, report.rows[0]));
    std::string word;
    for (int i = 0; i < 6; ++i) words >> word;
    return word;
  };
  EXPECT_EQ(cell(0.004), "0.00");
  EXPECT_EQ(cell(9999.994), "9999.99");
  EXPECT_EQ(cell(12345.678), "12345.7");
  EXPECT_EQ(cell(1234567.8), "1234568");
  EXPECT_EQ(cell(12345678.0), "1.2e+07");
}

TEST(BenchText, HeadAndFootHaveTheLinesThatReadersLookFor) {
  BenchReport report = sample();
  const std::string head = bench_head(report);
  EXPECT_THAT(head, HasSubstr("# Collective test starting: all_reduce\n"));
  EXPECT_THAT(head, HasSubstr("# nThread 1 nGpus 1 minBytes 8 maxBytes 134217728 step: 2(factor) "
                              "warmup iters: 1 iters: 20 agg iters: 1 validation: 1 graph: 0 "
                              "unalign: 0\n#\n# Using devices\n"));
  EXPECT_THAT(head, HasSubstr("#  Rank  0 Group  0 Pid   3591 on     node-1 device  0 [cpu] AMD "
                              "EPYC\n"));
  EXPECT_THAT(head, HasSubstr("#       size         count      type   redop    root     time   "
                              "algbw   busbw  #wrong     time   algbw   busbw  #wrong \n"));
  EXPECT_EQ(bench_foot(report),
            "# Out of bounds values : 0 OK\n# Avg bus bandwidth    : 20.496 \n#\n"
            "# Collective test concluded: all_reduce\n#\n\n");
  report.rows[0].in_place.wrong = 3;
  report.rows[0].in_place.first_wrong = "rank 1 element 7: 2 where 3 was expected";
  report.bandwidth_min = 30;
  EXPECT_THAT(bench_foot(report), HasSubstr("# Out of bounds values : 3 FAILED\n"));
  EXPECT_THAT(bench_foot(report), HasSubstr("# Avg bus bandwidth    : 20.496 FAILED\n"));
  EXPECT_THAT(bench_foot(report), HasSubstr("rank 1 element 7: 2 where 3 was expected"));
}

TEST(BenchJson, HasTheKeysOfVersionThreeInTheirOrder) {
  BenchReport report = sample();
  report.rows[0].in_place.wrong.reset();
  report.rows[0].out_of_place.each_us = {3, 1, 2};
  const auto json = bench_json(report);
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{
                      "version", "start_time", "args", "env", "nccl_version", "config", "results",
                      "out_of_bounds", "average_bus_bandwidth", "errors", "end_time", "weft"}));
  EXPECT_EQ(json["version"], 3);
  EXPECT_EQ(json["config"]["step_factor"], 2);
  EXPECT_EQ(json["results"][0]["root"], "    -1");
  EXPECT_TRUE(json["results"][0]["in_place"]["nwrong"].is_null());
  EXPECT_EQ(json["results"][0]["out_of_place"]["nwrong"], 0.0);
  EXPECT_EQ(json["results"][0]["out_of_place_per_iter"]["p50_us"], 2.0);
  EXPECT_EQ(json["out_of_bounds"]["okay"], "true") << "a word, as there";
  EXPECT_EQ(json["average_bus_bandwidth"]["okay"], "unchecked");
}

TEST(BenchReport, RanksLinesAreRead) {
  BenchReport report;
  EXPECT_FALSE(take_line(report, "hello"));
  EXPECT_FALSE(take_line(report, R"({"kind":"other"})"));
  EXPECT_FALSE(take_line(report, R"({"kind":"row","size":8})")) << "not whole";
  EXPECT_TRUE(report.rows.empty());
  EXPECT_TRUE(take_line(
      report, R"({"kind":"row","size":8,"count":2,"type":"float","redop":"sum","root":-1,)"
              R"("out_of_place":{"time_us":1.5,"algbw":1,"busbw":2,"wrong":1,"first_wrong":"x"},)"
              R"("in_place":{"time_us":1.5,"algbw":1,"busbw":4,"wrong":null}})"));
  EXPECT_EQ(report.wrong(), 1u);
  EXPECT_EQ(report.average_busbw(), 3.0);
  EXPECT_TRUE(take_line(report, R"({"kind":"end"})"));
  EXPECT_TRUE(report.whole);
}

TEST(BenchSpec, SizesAreThoseOfNcclTests) {
  EXPECT_EQ(*parse_bytes("8"), 8u);
  EXPECT_EQ(*parse_bytes("64K"), 65'536u);
  EXPECT_EQ(*parse_bytes("2m"), 2u << 20);
  EXPECT_EQ(*parse_bytes("1G"), 1u << 30);
  for (const char* bad : {"", "K", "8Q", "-1", "1.5M", "99999999999G"})
    EXPECT_FALSE(parse_bytes(bad)) << bad;
  Spec spec;
  spec.bytes_min = 8, spec.bytes_max = 64, spec.factor = 2;
  EXPECT_EQ(sizes_of(spec), (std::vector<std::uint64_t>{8, 16, 32, 64}));
  spec.factor = 0, spec.step_bytes = 24;
  EXPECT_EQ(sizes_of(spec), (std::vector<std::uint64_t>{8, 32, 56}));
  EXPECT_EQ(*parse_operation("allreduce"), Operation::all_reduce);
  EXPECT_EQ(*parse_operation("all_to_all"), Operation::alltoall);
  EXPECT_FALSE(parse_operation("sum"));
}

TEST(BenchSpec, ShapesAndFactorsAreThoseOfNcclTests) {
  // Of an all_gather, 1,000 bytes over 4 ranks: 240 a rank, in blocks of 16.
  EXPECT_EQ(shape_of(Operation::all_gather, 1'000, DataType::f32, 4).bytes, 960u);
  EXPECT_EQ(shape_of(Operation::all_gather, 1'000, DataType::f32, 4).count, 60u);
  EXPECT_EQ(shape_of(Operation::alltoall, 8, DataType::f32, 4).bytes, 0u);
  EXPECT_EQ(shape_of(Operation::all_reduce, 10, DataType::f32, 4).bytes, 8u);
  EXPECT_DOUBLE_EQ(bus_factor(Operation::all_reduce, 4), 1.5);
  EXPECT_DOUBLE_EQ(bus_factor(Operation::alltoall, 4), 0.75);
  EXPECT_DOUBLE_EQ(bus_factor(Operation::broadcast, 4), 1.0);
}

TEST(BenchSpec, WordsComeBack) {
  Spec spec;
  spec.operation = Operation::gather;
  spec.bytes_min = 8, spec.bytes_max = 1'000, spec.factor = 3, spec.step_bytes = 5;
  spec.iterations = 7, spec.warmup = 0, spec.aggregated = 2, spec.checks = 3;
  spec.reductions = *parse_reductions("all");
  spec.types = *parse_types("all");
  spec.root = 2, spec.average = 3, spec.per_iteration = true, spec.plant_wrong = true;
  const auto back = spec_of(words_of(spec));
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(*back, spec);
  for (const char* bad : {"iterations=x", "nothing", "type=float16", "min=9999999999999999999999"})
    EXPECT_FALSE(spec_of({bad})) << bad;
}

}  // namespace
}  // namespace weft::cli
