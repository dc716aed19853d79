#include "client/cli/output.hpp"

#include <gtest/gtest.h>

#include "client/cli/follow_job.hpp"
#include "client/cli/session.hpp"
#include "client/cli/times.hpp"

namespace weft::cli {
namespace {

TEST(Output, TablesAlign) {
  Table table({">JOB", "NAME", "NOTE"});
  table.row({"7", "train", ""});
  table.row({"1234", "müll", "waits"});
  EXPECT_EQ(table.text(),
            " JOB  NAME   NOTE\n"
            "   7  train\n"
            "1234  müll   waits\n");
}

TEST(Output, TimesReadAsPeopleSayThem) {
  EXPECT_EQ(took(milliseconds(340)), "340ms");
  EXPECT_EQ(took(milliseconds(1'234)), "1.2s");
  EXPECT_EQ(took(seconds(42)), "42s");
  EXPECT_EQ(took(seconds(184)), "3m04s");
  EXPECT_EQ(took(minutes(125)), "2h05m");
  EXPECT_EQ(took(hours(49)), "2d01h");
  EXPECT_EQ(ago({}, now()), "-");
  EXPECT_EQ(ago({1'000'000}, {1'012'000}), "12s ago");
  EXPECT_EQ(ago({1'240'000}, {1'000'000}), "in 4m00s");
  EXPECT_EQ(ago(never, now()), "never");
}

TEST(Output, AmountsAndSizes) {
  EXPECT_EQ(dollars(Money{1'200'000}), "$1.20");
  EXPECT_EQ(dollars(Money{-1}), "-$0.000001");
  EXPECT_EQ(bytes(512), "512 B");
  EXPECT_EQ(bytes(16'750'372'454), "15.5 GiB");
  EXPECT_EQ(signal_name(9), "SIGKILL");
}

TEST(Output, BlameNamesRankNodeEvidenceAndLastLines) {
  Blame blame;
  EXPECT_EQ(blame_text(blame, 1), "");
  blame = {Code::peer_killed,     5, {}, "n17", 9, "n17 worker: wait status SIGKILL",
           "loading shard 0417\n"};
  EXPECT_EQ(blame_text(blame, 2),
            "peer.killed: rank 5 on n17, attempt 2\n"
            "  evidence    n17 worker: wait status SIGKILL\n"
            "  last lines\n"
            "    | loading shard 0417\n");
}

TEST(Times, OfTheCommandLine) {
  const Instant now{1'795'504'503'250};  // 2026-11-24T07:15:03.250Z
  EXPECT_EQ(parse_time("now", now).value(), now);
  EXPECT_EQ(parse_time("+1h30m", now).value(), now + minutes(90));
  EXPECT_EQ(parse_time("2026-11-24T07:15:03Z", now).value().ms, 1'795'504'503'000);
  EXPECT_EQ(parse_time("2026-11-24T08:15:03+01:00", now).value().ms, 1'795'504'503'000);
  const Instant evening = parse_time("20:00", now).value();
  EXPECT_GT(evening, now);
  EXPECT_LE(evening - now, hours(25));  // the day that clocks are set back has 25
  for (const char* wrong : {"", "tomorrow", "25:00", "20:60", "2026-11-24", "2026-04-31T00:00:00Z",
                            "2026-11-24T07:15:03", "+90"})
    EXPECT_FALSE(parse_time(wrong, now)) << wrong;
}

TEST(ExitCodes, FollowTheTable) {
  EXPECT_EQ(exit_code_of(Code::usage), 2);
  EXPECT_EQ(exit_code_of(Code::spec_price_missing), 2);
  EXPECT_EQ(exit_code_of(Code::place_nodes), 3);
  EXPECT_EQ(exit_code_of(Code::place_held), 3);
  EXPECT_EQ(exit_code_of(Code::state_illegal), 4);
  EXPECT_EQ(exit_code_of(Code::job_ended), 4);
  EXPECT_EQ(exit_code_of(Code::bill_mismatch), 5);
  EXPECT_EQ(exit_code_of(Code::broker_not_found), 6);
  EXPECT_EQ(exit_code_of(Code::timeout), 6);
  EXPECT_EQ(exit_code_of(Code::idem_conflict), 7);
  EXPECT_EQ(exit_code_of(Code::auth_denied), 8);
  EXPECT_EQ(exit_code_of(Code::job_unknown), 1);
}

TEST(ExitCodes, OfAJobThatEnded) {
  Job job;
  const auto code = [&job](JobState state, int user) {
    job.state = state;
    job.exit_code = user;
    return exit_code_of(job);
  };
  EXPECT_EQ(code(JobState::succeeded, 0), 0);
  EXPECT_EQ(code(JobState::failed, 7), 7);
  EXPECT_EQ(code(JobState::failed, 137), 137);  // 128 + SIGKILL
  EXPECT_EQ(code(JobState::failed, 0), 125);    // nobody's code: weft itself failed
  EXPECT_EQ(code(JobState::unplaced, 0), 69);
  EXPECT_EQ(code(JobState::preempted, 0), 75);
  EXPECT_EQ(code(JobState::expired, 0), 124);
  EXPECT_EQ(code(JobState::cancelled, 0), 143);
}

}  // namespace
}  // namespace weft::cli
