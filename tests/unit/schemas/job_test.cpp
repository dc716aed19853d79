#include "schemas/yaml/job.hpp"

#include <gtest/gtest.h>

namespace weft::yaml {
namespace {

std::string first_message(const JobFile& job, std::string_view file_name) {
  return job.problems.empty() ? "" : to_string(job.problems.front(), file_name);
}
std::vector<Code> codes(std::string_view text) {
  std::vector<Code> out;
  for (const Problem& problem : read_job(text, "x").problems) out.push_back(problem.code);
  return out;
}
constexpr std::string_view small = "nodes: 2\ntime: 1h\nrun: [./train]\n";

TEST(Job, FillsInTheDefaults) {
  const JobFile job = read_job(small, "runs/My_Train.v2.yaml");
  ASSERT_TRUE(job.problems.empty()) << first_message(job, "");
  JobSpec wanted;
  wanted.name = "my-train-v2";
  wanted.nodes = 2;
  wanted.time = hours(1);
  wanted.run = {"./train"};
  wanted.backend = "weft";
  wanted.console_ranks = {0};
  EXPECT_EQ(job.spec, wanted);
}

TEST(Job, DefaultsThatFollowFromOtherKeys) {
  EXPECT_EQ(read_job("nodes: 2\ngpus_per_node: 8\ntime: 1h\nrun: x\n", "a").spec.ranks_per_node,
            8U);
  const auto grace = [](const char* lines) {
    const JobFile job = read_job(std::string("nodes: 2\nrun: x\n") + lines, "a");
    EXPECT_TRUE(job.problems.empty()) << first_message(job, "");
    return job.spec.checkpoint_grace;
  };
  EXPECT_EQ(grace("time: 1h\n"), Duration{}) << "saves nothing";
  EXPECT_EQ(grace("time: 1h\ncheckpoint: {signal: USR1}\n"), seconds(60));
  EXPECT_EQ(grace("time: 1h\ncheckpoint: {grace: 90s}\n"), seconds(90)) << "also without dir";
  EXPECT_EQ(grace("time: 1m\ncheckpoint: {dir: c}\n"), seconds(30)) << "half of the time";
  EXPECT_EQ(grace("time: 1h\ncheckpoint: {dir: c}\nlease: {notice: 20s}\n"), seconds(20))
      << "the notice";
}

TEST(Job, TextsStayWhatTheyAre) {
  const JobFile job = read_job(
      "nodes: 1\ntime: 1m\nrun: [a, no, 1e3, 010, ~, null, \"\"]\nenv: {A: yes, B: 0x10}\n", "a");
  ASSERT_TRUE(job.problems.empty()) << first_message(job, "");
  EXPECT_EQ(job.spec.run, (std::vector<std::string>{"a", "no", "1e3", "010", "~", "null", ""}));
  EXPECT_EQ(job.spec.env, (std::vector<KeyValue>{{"A", "yes"}, {"B", "0x10"}}));
  EXPECT_EQ(read_job("nodes: 1\ntime: 1m\nrun: echo hi\n", "a").spec.run,
            (std::vector<std::string>{"/bin/sh", "-c", "echo hi"}));
}

TEST(Job, SettingsReplaceWhatTheFileSays) {
  Overrides overrides;
  overrides.settings = {
      {"nodes", "8"}, {"lease.max_price", "2.5"}, {"logs.console", "[0, 7]"}, {"env.A.B", "x"}};
  JobFile job = read_job(small, "a", overrides);
  ASSERT_EQ(job.problems.size(), 1U);
  EXPECT_EQ(
      first_message(job, "a"),
      "command line: spec.range: env.A.B: 'A.B' is no name of a variable; allowed are letters, "
      "digits and '_', not a digit first");
  overrides.settings.back() = {"env.AB", "x=y"};
  overrides.run = {"other", "program"};
  job = read_job(small, "a", overrides);
  ASSERT_TRUE(job.problems.empty()) << first_message(job, "a");
  EXPECT_EQ(job.spec.nodes, 8U);
  EXPECT_EQ(job.spec.price_max.micros, 2'500'000);
  EXPECT_EQ(job.spec.console_ranks, (std::vector<std::uint32_t>{0, 7}));
  EXPECT_EQ(job.spec.env, (std::vector<KeyValue>{{"AB", "x=y"}}));
  EXPECT_EQ(job.spec.run, (std::vector<std::string>{"other", "program"}));
}

TEST(Job, NeedsNoFile) {
  const JobFile job =
      read_job("", "", {{{"nodes", "2"}, {"time", "1m"}}, {"/usr/bin/True_Thing", "x"}});
  ASSERT_TRUE(job.problems.empty()) << first_message(job, "");
  EXPECT_EQ(job.spec.name, "true-thing");
  EXPECT_EQ(first_message(read_job("", "", {{{"nodes", "two"}, {"time", "1m"}}, {"x"}}), ""),
            "command line: spec.type: nodes: 'two' is not a whole number; allowed are 1 to 65536");
  EXPECT_EQ(first_message(read_job("", "", {{{"nodes", "2"}}, {"x"}}), ""),
            "spec.missing: time: is missing; write how long the slice is rented, e.g. time: 4h");
}

TEST(Job, ScriptsCarryTheirKeysInComments) {
  constexpr std::string_view script =
      "#!/bin/sh\n#WEFT nodes=2\n# a remark\n\n#WEFT time=1h  \n#WEFTnot=this\n#WEFT "
      "restart.when=[exit]\n"
      "echo start\n#WEFT nodes=99\n";
  const JobFile job = read_script(script, "go.sh", {{{"time", "2h"}}, {"./go.sh"}});
  ASSERT_TRUE(job.problems.empty()) << first_message(job, "go.sh");
  EXPECT_EQ(job.spec.nodes, 2U) << "lines after the first command are not read";
  EXPECT_EQ(job.spec.time, hours(2)) << "the command line wins";
  EXPECT_TRUE(job.spec.restart.on_exit);
  EXPECT_FALSE(job.spec.restart.on_node);
  EXPECT_EQ(job.spec.name, "go");
  for (const char* bad : {"#WEFT nodes = 2\n", "#WEFT\n", "#WEFT nodes\n", "#WEFT =2\n"})
    EXPECT_EQ(first_message(read_script(bad, "go.sh", {{}, {"x"}}), "go.sh"),
              "go.sh:1:1: spec.syntax: not a '#WEFT key=value' line; write e.g. #WEFT nodes=4");
  EXPECT_EQ(
      first_message(read_script("#WEFT nods=2\n#WEFT time=1h\n", "go.sh", {{}, {"x"}}), "go.sh"),
      "go.sh:1:7: spec.unknown_key: nods: not a key of this file; did you mean 'nodes'?");
}

TEST(Job, PathsAreTheCallersUntilResolved) {
  JobSpec spec;
  resolve_paths(spec, "/home/alice");
  EXPECT_EQ(spec.workdir, "/home/alice");
  EXPECT_EQ(spec.checkpoint_dir, "");
  spec.workdir = "./run";
  spec.checkpoint_dir = "ckpt";
  resolve_paths(spec, "/home/alice");
  EXPECT_EQ(spec.workdir, "/home/alice/run");
  EXPECT_EQ(spec.checkpoint_dir, "/home/alice/run/ckpt");
}

TEST(Job, PrintedTextsComeBackWhateverTheyHold) {
  JobSpec spec = read_job(small, "a").spec;
  spec.setup = "#!/bin/sh\n\t\"quoted\" \\ 'single' : # - {x} \x7f\x01 \xC3\xA9 \xE2\x82\xAC\r\n";
  spec.run = {"-x", ":", "? a",  "- b",  "%c", "@d", "`e", "!f",   "&g",  "*h",
              "|",  ">", "",     " ",    "\n", "<<", "~",  "null", "=",   "\\",
              "\"", "0", "a: b", "a #b", "[",  "{",  ",",  "---",  "...", "\xEF\xBB\xBF"};
  spec.env = {{"A", "\n\n"}, {"B", "  trailing  "}};
  spec.labels = {{"a.b c", "x"}, {"<<x", "y"}, {"- z", ""}};
  const JobFile back = read_job(print_job(spec), "b");
  ASSERT_TRUE(back.problems.empty()) << first_message(back, "b") << "\n" << print_job(spec);
  EXPECT_EQ(back.spec, spec);
}

TEST(Job, RefusesWhatIsNoTextOrTooMuch) {
  EXPECT_EQ(codes(std::string(300'000, ' ')), std::vector{Code::spec_size});
  for (const std::string_view bad : {"a: \xFF", "a: \xC0\x80", "a: \xED\xA0\x80",
                                     "a: \xF4\x90\x80\x80", "a: \x01", "a: \xE2\x82",
                                     "\xFF\xFE"
                                     "a"})
    EXPECT_EQ(codes(bad), std::vector{Code::spec_syntax});
  EXPECT_EQ(codes(std::string_view("a: \0", 4)), std::vector{Code::spec_syntax});
  std::string many = "nodes: 1\ntime: 1m\nrun: [x]\nlabels: [";
  for (int i = 0; i < 20'001; ++i) many += "a,";
  EXPECT_EQ(codes(many + "]\n"), std::vector{Code::spec_size});
  EXPECT_EQ(codes(std::string(5'000, '[')), std::vector{Code::spec_size});
  const auto aliases = codes("env: &a {A: x}\nlabels: *a\nnodes: 1\ntime: 1m\nrun: [x]\n");
  EXPECT_EQ(aliases, (std::vector{Code::spec_unsupported, Code::spec_unsupported}));
}

TEST(Job, NamesAtMostTwentyProblems) {
  std::string text = "nodes: 1\ntime: 1m\nrun: [x]\n";
  for (int i = 0; i < 50; ++i) text += "wrong" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(codes(text).size(), static_cast<std::size_t>(limits::spec_errors_max));
  text = "nodes: &a 1\n";
  for (int i = 0; i < 50; ++i) text += "x" + std::to_string(i) + ": *a\n";
  EXPECT_EQ(codes(text).size(), static_cast<std::size_t>(limits::spec_errors_max));
}

TEST(Job, ACommandCannotOutgrowTheWire) {
  Overrides overrides{{{"nodes", "1"}, {"time", "1m"}},
                      std::vector<std::string>(100, std::string(8'000, 'x'))};
  const JobFile job = read_job("", "", overrides);
  ASSERT_EQ(job.problems.size(), 1U);
  EXPECT_EQ(job.problems.front().code, Code::spec_size);
}

}  // namespace
}  // namespace weft::yaml
