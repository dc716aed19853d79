#include "client/cli/flags.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace weft::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Line {
  Flags flags{"try", "JOB [flags]", "A verb for tests."};
  std::uint32_t nodes = 1;
  Duration time;
  Price price;
  bool follow = false;
  JobId job;
  std::vector<std::string> env, command;

  Line() {
    flags.number("-N,--nodes", nodes, 1, 100, "nodes");
    flags.duration("-t,--time", time, "time");
    flags.price("-p,--max-price", price, "price");
    flags.flag("-f,--follow", follow, "follow");
    flags.option("--env", env, "NAME=VALUE", "environment");
    flags.argument("JOB", "a job", take_id(job));
    flags.command(command);
  }
  std::string error(const std::vector<std::string>& arguments) {
    auto next = flags.parse(arguments);
    if (next) return "no error";
    EXPECT_EQ(next.error().code, Code::usage);
    return next.error().detail;
  }
};

TEST(Flags, AreReadInEveryOrderAndForm) {
  Line line;
  ASSERT_TRUE(line.flags.parse({"-N", "3", "7", "--time=1h30m", "-p2.40", "-f", "--env", "A=1",
                                "--env", "B=2", "--", "train", "-N", "9"}));
  EXPECT_EQ(line.nodes, 3U);
  EXPECT_EQ(line.job.value, 7U);
  EXPECT_EQ(line.time, minutes(90));
  EXPECT_EQ(line.price.micros, 2'400'000);
  EXPECT_TRUE(line.follow);
  EXPECT_THAT(line.env, ElementsAre("A=1", "B=2"));
  EXPECT_THAT(line.command,
              ElementsAre("train", "-N", "9"));  // what follows -- is the command's own
  EXPECT_TRUE(line.flags.given("--nodes"));
}

TEST(Flags, AnUnknownOneNamesTheNearest) {
  EXPECT_THAT(Line().error({"7", "--nods", "3"}),
              HasSubstr("unknown flag '--nods'; did you mean '--nodes'?"));
  EXPECT_THAT(Line().error({"7", "--nodez=3"}), HasSubstr("did you mean '--nodes'?"));
  EXPECT_THAT(Line().error({"7", "--completely-else"}),
              HasSubstr("unknown flag '--completely-else'; `weft try --help`"));
  EXPECT_THAT(Line().error({"7", "-z"}), HasSubstr("unknown flag '-z'"));
}

TEST(Flags, AWrongValueSaysWhichFlagAndWhatWouldBeRight) {
  EXPECT_THAT(Line().error({"7", "-N", "0"}),
              HasSubstr("--nodes: '0' is not a whole number from 1 to 100"));
  EXPECT_THAT(Line().error({"7", "-N", "three"}), HasSubstr("--nodes: 'three'"));
  EXPECT_THAT(Line().error({"7", "-N", "4x"}), HasSubstr("--nodes: '4x'"));
  EXPECT_THAT(Line().error({"7", "-t", "90"}), HasSubstr("--time: '90'"));
  EXPECT_THAT(Line().error({"7", "-p", "-1"}), HasSubstr("--max-price"));
  EXPECT_THAT(Line().error({"seven"}), HasSubstr("JOB: 'seven' is not an id"));
  EXPECT_THAT(Line().error({"0"}), HasSubstr("JOB: '0' is not an id"));
}

TEST(Flags, MissingAndSurplusPartsAreNamed) {
  EXPECT_THAT(Line().error({}), HasSubstr("JOB is missing; usage: weft try JOB"));
  EXPECT_THAT(Line().error({"7", "8"}), HasSubstr("'8' is one argument too many"));
  EXPECT_THAT(Line().error({"7", "--nodes"}), HasSubstr("--nodes"));
  Flags plain("plain", "", "No command.");
  auto next = plain.parse({"--", "true"});
  ASSERT_FALSE(next);
  EXPECT_THAT(next.error().detail, HasSubstr("takes no command"));
}

TEST(Flags, HelpNamesEveryFlag) {
  Line line;
  ASSERT_EQ(line.flags.parse({"--help"}).value(), Flags::Next::help_wanted);
  const std::string help = line.flags.help();
  for (const char* part :
       {"usage: weft try JOB [flags]", "-N, --nodes COUNT", "-t, --time DURATION",
        "--env NAME=VALUE", "-f, --follow", "-h, --help", "JOB"})
    EXPECT_THAT(help, HasSubstr(part));
}

TEST(Ids, MayBeWrittenWithTheirLetter) {
  EXPECT_EQ(parse_id("9", 'L').value(), 9U);
  EXPECT_EQ(parse_id("L9", 'L').value(), 9U);
  EXPECT_EQ(parse_id("l9", 'L').value(), 9U);
  for (const char* wrong : {"", "L", "Q9", "9L", "-9", "99999999999999999999"})
    EXPECT_FALSE(parse_id(wrong, 'L')) << wrong;
}

TEST(Nearest, FindsSlipsAndLeavesStrangersAlone) {
  const std::vector<std::string> words{"run", "submit", "cancel", "events", "version"};
  EXPECT_EQ(nearest("cancle", words), "cancel");
  EXPECT_EQ(nearest("sumbit", words), "submit");
  EXPECT_EQ(nearest("event", words), "events");
  EXPECT_EQ(nearest("vers", words), "version");
  EXPECT_EQ(nearest("kubernetes", words), "");
}

}  // namespace
}  // namespace weft::cli
