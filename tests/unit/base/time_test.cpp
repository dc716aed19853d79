#include "base/time.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(Duration, ReadsJoinedUnitsLargestFirst) {
  EXPECT_EQ(parse_duration("1h30m")->ms, 5'400'000);
  EXPECT_EQ(parse_duration("250ms")->ms, 250);
  EXPECT_EQ(parse_duration("2d1ms")->ms, 172'800'001);
  EXPECT_EQ(parse_duration("0s")->ms, 0);
}

TEST(Duration, RefusesWithTheCodeThatFits) {
  const auto code = [](const char* text) { return parse_duration(text).error().code; };
  EXPECT_EQ(code("90"), Code::spec_unit);
  EXPECT_EQ(code("1h30"), Code::spec_unit);
  EXPECT_EQ(code(""), Code::spec_syntax);
  EXPECT_EQ(code("m"), Code::spec_syntax);
  EXPECT_EQ(code("-5s"), Code::spec_syntax);
  EXPECT_EQ(code("1.5h"), Code::spec_syntax);
  EXPECT_EQ(code("30m1h"), Code::spec_syntax);
  EXPECT_EQ(code("1h1h"), Code::spec_syntax);
  EXPECT_EQ(code("999999999d"), Code::spec_range);
  EXPECT_EQ(code("9999999999999999999s"), Code::spec_range);
}

TEST(Duration, PrintsWhatItReads) {
  for (const char* text : {"1h30m", "250ms", "2d1ms", "0s", "366d", "59s"})
    EXPECT_EQ(to_string(*parse_duration(text)), text);
}

TEST(Instant, PrintsRfc3339InUtc) {
  EXPECT_EQ(to_string(Instant{0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_string(Instant{951'827'696'789}), "2000-02-29T12:34:56.789Z");
  EXPECT_EQ(to_string(Instant{1'795'503'303'250}), "2026-11-24T06:55:03.250Z");
  EXPECT_EQ(to_string(Instant{-1}), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace weft
