#include "client/key.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

namespace weft::client {
namespace {

std::uint64_t milliseconds_of(const RequestKey& key) {
  std::uint64_t ms = 0;
  for (int i = 0; i < 6; ++i) ms = ms << 8 | key.data[i];
  return ms;
}

TEST(RequestKeys, BeginWithTheTimeSoThatTheBrokersTableGrowsAtOneEnd) {
  namespace chrono = std::chrono;
  const auto wall = [] {
    return static_cast<std::uint64_t>(
        chrono::duration_cast<chrono::milliseconds>(chrono::system_clock::now().time_since_epoch())
            .count());
  };
  const std::uint64_t before = wall();
  const std::uint64_t ms = milliseconds_of(make_request_key());
  EXPECT_LE(before, ms);
  EXPECT_LE(ms, wall());
}

TEST(RequestKeys, AreNeverEqual) {
  std::set<RequestKey> keys;
  for (int i = 0; i < 10'000; ++i) keys.insert(make_request_key());
  EXPECT_EQ(keys.size(), 10'000U);
}

TEST(RequestKeys, AreReadFromHexadecimal) {
  const RequestKey key = make_request_key();
  EXPECT_EQ(parse_request_key(to_hex(key)).value(), key);
  for (const char* wrong :
       {"", "12", "zz000000000000000000000000000000", "0123456789abcdef0123456789abcdef0"}) {
    auto parsed = parse_request_key(wrong);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_EQ(parsed.error().code, Code::usage);
    EXPECT_NE(parsed.error().detail.find("32 hexadecimal digits"), std::string::npos);
  }
}

}  // namespace
}  // namespace weft::client
