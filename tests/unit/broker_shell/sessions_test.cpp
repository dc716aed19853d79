#include "broker/shell/gateway/sessions.hpp"

#include <gmock/gmock.h>

#include "broker/shell/gateway/connections.hpp"

#include <sys/socket.h>
#include <unistd.h>

namespace weft::broker {
namespace {

TEST(RateLimit, LetsABurstThroughThenTheRate) {
  RateLimit rate;
  std::uint64_t now = 1'000'000'000'000, admitted = 0;
  while (rate.admit(now)) ++admitted;
  EXPECT_NEAR(static_cast<double>(admitted), limits::requests_burst_max, 2);
  now += 1'000'000'000;
  for (admitted = 0; rate.admit(now);) ++admitted;
  EXPECT_NEAR(static_cast<double>(admitted), limits::requests_per_second_max, 2);
  now += 3'600'000'000'000;
  for (admitted = 0; rate.admit(now);) ++admitted;
  EXPECT_NEAR(static_cast<double>(admitted), limits::requests_burst_max, 2)
      << "idle hours are not saved up";
}

Principal key(std::uint8_t byte) {
  Principal k;
  k.data.fill(byte);
  return k;
}

TEST(Sessions, AreFoundByTheirThreeNamesUntilTheyClose) {
  Sessions sessions(1ULL << 40);
  const Session& first = sessions.open(500, 9, key(1), "01");
  const std::uint64_t id = first.id;
  EXPECT_EQ(sessions.by_number(500)->id, id);
  EXPECT_EQ(sessions.by_fd(9)->id, id);
  EXPECT_EQ(sessions.by_id(id)->number, 500u);
  sessions.close(id);
  EXPECT_EQ(sessions.by_number(500), nullptr);
  EXPECT_EQ(sessions.by_fd(9), nullptr);
  EXPECT_EQ(sessions.by_id(id), nullptr);
  EXPECT_NE(sessions.open(501, 9, key(1), "01").id, id) << "a number is used once";
}

TEST(Sessions, ANewConnectionOnADescriptorHidesTheOldOne) {
  Sessions sessions(0);
  const std::uint64_t old = sessions.open(1, 9, key(1), "01").id;
  const std::uint64_t fresh = sessions.open(2, 9, key(1), "01").id;
  EXPECT_EQ(sessions.by_fd(9)->id, fresh);
  sessions.close(old);
  EXPECT_EQ(sessions.by_fd(9)->id, fresh);
}

TEST(Sessions, AKeyHasOneRateHoweverManyConnectionsItOpens) {
  Sessions sessions(0);
  RateLimit* rate = sessions.open(1, 3, key(1), "01").rate;
  EXPECT_EQ(sessions.open(2, 4, key(1), "01").rate, rate);
  EXPECT_NE(sessions.open(3, 5, key(2), "02").rate, rate);
  sessions.close(sessions.by_number(1)->id);
  sessions.close(sessions.by_number(2)->id);
  EXPECT_EQ(sessions.open(4, 3, key(1), "01").rate, rate);
}

TEST(Sessions, HeardIsToldOnce) {
  Sessions sessions(0);
  sessions.open(1, 3, key(1), "01").heard = true;
  sessions.open(2, 4, key(1), "01");
  EXPECT_THAT(sessions.take_heard(), testing::ElementsAre(1u));
  EXPECT_THAT(sessions.take_heard(), testing::ElementsAre());
}

TEST(Connections, AnAddressMayNotHoldManyThatSayNothing) {
  Connections connections;
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  // One descriptor stands for many: their numbers only have to differ, their address is looked up.
  std::uint64_t now = 1'000'000'000'000;
  const int first = 1'000;
  for (int i = 0; i < static_cast<int>(limits::connections_silent_max); ++i)
    EXPECT_FALSE(connections.accepted(first + i, now));
  const auto offender =
      connections.accepted(first + static_cast<int>(limits::connections_silent_max), now);
  ASSERT_TRUE(offender);
  connections.gone(offender->fd);
  connections.received(first, 10);  // one has spoken: there is room again
  EXPECT_FALSE(connections.accepted(999, now));
  EXPECT_TRUE(connections.accepted(998, now));
  connections.gone(998);
  now += 4'000'000'000;  // after the handshake's time they are no longer strangers
  EXPECT_FALSE(connections.accepted(997, now));
  close(ends[0]);
  close(ends[1]);
}

TEST(Connections, AnHonestAddressMayConnectAsOftenAsItLikes) {
  Connections connections;
  for (int i = 0; i < 3 * static_cast<int>(limits::connections_silent_max); ++i) {
    ASSERT_FALSE(connections.accepted(5, 1'000)) << i;  // the kernel gives the lowest number again
    connections.received(5, 10);
    connections.gone(5);
  }
  EXPECT_EQ(connections.open(), 0u);
}

}  // namespace
}  // namespace weft::broker
