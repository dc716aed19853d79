// weft bench on two nodes: read as scripts read nccl-tests, by white space and by JSON's keys.
#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "tests/process/support/cluster.hpp"

namespace weft::test {
namespace {

using ::testing::HasSubstr;

// Rows of numbers, as every reader of nccl-tests takes them: lines without '#', words by blanks.
std::vector<std::vector<std::string>> rows_of(const std::string& text) {
  std::vector<std::vector<std::string>> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    out.emplace_back();
    for (std::string word; words >> word;) out.back().push_back(word);
  }
  return out;
}

class Bench : public ::testing::Test {
 protected:
  Bench() : cluster({.nodes = 2, .user = {}}), program(cluster.rank_program("weft-bench-rank")) {}
  Output bench(std::vector<std::string> words) {
    words.insert(words.begin(), "bench");
    for (const char* word : {"-N", "2", "--program"}) words.emplace_back(word);
    words.push_back(program);
    return cluster.weft(std::move(words));
  }
  Cluster cluster;
  std::string program;
};

TEST_F(Bench, EveryOperationIsMeasuredAndCheckedAndReadLikeNcclTests) {
  ASSERT_TRUE(cluster.up());
  for (const char* operation : {"all_reduce", "all_gather", "reduce_scatter", "broadcast", "reduce",
                                "alltoall", "gather", "scatter"}) {
    const Output out =
        bench({operation, "-b", "64", "-e", "256K", "-f", "64", "-n", "3", "-r", "1"});
    ASSERT_EQ(out.code, 0) << out.all();
    const auto rows = rows_of(out.out);
    ASSERT_EQ(rows.size(), 3u) << out.out;
    for (const auto& row : rows) {
      ASSERT_EQ(row.size(), 13u) << out.out;
      EXPECT_GT(std::stod(row[5]), 0) << "time";
      EXPECT_EQ(row[8], "0") << operation << ": #wrong";
      EXPECT_TRUE(row[12] == "0" || row[12] == "N/A") << operation;
    }
    EXPECT_EQ(rows[2][0], "262144");
    EXPECT_THAT(out.out, HasSubstr("# Out of bounds values : 0 OK"));
    EXPECT_THAT(out.out, HasSubstr(std::string("# Collective test concluded: ") + operation));
  }
  EXPECT_TRUE(cluster.down());
}

TEST_F(Bench, AllTypesAndReductionsAndTheJsonFile) {
  ASSERT_TRUE(cluster.up());
  const std::string file = cluster.directory() + "/out.json";
  const Output out = bench({"all_reduce", "-b", "1000", "-e", "1000", "-d", "all", "-o", "all",
                            "-n", "2", "-J", file, "-I", "1"});
  ASSERT_EQ(out.code, 0) << out.all();
  EXPECT_EQ(rows_of(out.out).size(), 44u) << "nine types, five reductions, no average of booleans";
  ASSERT_EQ(access(file.c_str(), R_OK), 0);
  std::ifstream in(file);
  const Json json = Json::parse(in);
  EXPECT_EQ(json["results"].size(), 44u);
  EXPECT_EQ(json["config"]["devices"].size(), 2u);
  EXPECT_EQ(json["out_of_bounds"]["okay"], "true");
  EXPECT_EQ(json["results"][0]["out_of_place_per_iter"]["times_us"].size(), 2u);
  EXPECT_EQ(bench({"all_reduce", "-b", "8", "-e", "8", "-n", "1", "-J", file}).code, 0);
  EXPECT_EQ(access((file + ".0").c_str(), R_OK), 0) << "nothing is overwritten";
  const Output as_json = bench({"broadcast", "-b", "8", "-e", "8", "-n", "1", "-o", "json"});
  EXPECT_EQ(Json::parse(as_json.out)["results"][0]["redop"], "none") << as_json.all();
  EXPECT_TRUE(cluster.down());
}

TEST_F(Bench, WrongDataEndsItAndSaysWhere) {
  ASSERT_TRUE(cluster.up());
  const Output out = bench({"all_reduce", "-b", "8", "-e", "8", "-n", "1", "--plant-wrong"});
  EXPECT_EQ(out.code, 5) << out.all();
  EXPECT_THAT(out.out, HasSubstr("# Out of bounds values : 2 FAILED"));
  EXPECT_THAT(out.out, HasSubstr("rank 1 element 0: "));
  const Output slow = bench({"all_reduce", "-b", "8", "-e", "8", "-n", "1", "--min-bw", "1000"});
  EXPECT_EQ(slow.code, 9) << slow.all();
  EXPECT_TRUE(cluster.down());
}

TEST_F(Bench, WhatIsNotUnderstoodRentsNothing) {
  ASSERT_TRUE(cluster.up());
  for (const std::vector<std::string>& words : {std::vector<std::string>{"sum"},
                                                {"all_reduce", "-b", "8Q"},
                                                {"all_reduce", "-b", "64", "-e", "8"},
                                                {"all_reduce", "-d", "float16"},
                                                {"all_reduce", "-J", "x.txt"},
                                                {"all_reduce", "--what"},
                                                {}})
    EXPECT_EQ(bench(words).code, 2) << bench(words).all();
  EXPECT_TRUE(cluster.json({"ps", "--all"})["jobs"].empty());
  EXPECT_TRUE(cluster.down());
}

}  // namespace
}  // namespace weft::test
