#include "client/client.hpp"

#include <gtest/gtest.h>

#include "client/logs.hpp"
#include "tests/unit/client/fake_broker.hpp"

namespace weft::client {
namespace {

std::unique_ptr<Client> client_of(const FakeBroker& broker) {
  Where where;
  where.connection = {broker.endpoint(), broker.endpoint(), broker.key()};
  return std::move(Client::open(where, net::make_curve_keys()).value());
}

ReplyBody info(const Envelope&) { return Info{}; }

TEST(Client, AnswersComeWithTheirType) {
  FakeBroker broker(info);
  auto client = client_of(broker);
  EXPECT_TRUE(client->get<Info>(Hello{}));
  auto wrong = client->get<JobList>(Hello{});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::wire_unknown);
}

TEST(Client, ARefusalIsItsCode) {
  FakeBroker broker(
      [](const Envelope&) { return ReplyBody{Refused{Code::job_unknown, "job 7 is not known"}}; });
  auto reply = client_of(broker)->get<JobView>(ShowJob{{7}});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error(), (Error{Code::job_unknown, "job 7 is not known"}));
}

TEST(Client, ManyAreInFlightOnOneConnection) {
  FakeBroker broker(info);
  auto client = client_of(broker);
  int answered = 0;
  for (int i = 0; i < 256; ++i)
    client->start(Hello{}, {}, [&](const Result<ReplyBody>& r) { answered += r ? 1 : 0; });
  EXPECT_EQ(client->in_flight(), 256U);
  while (client->in_flight() > 0) client->poll(seconds(1));
  EXPECT_EQ(answered, 256);
}

// Lazy Pirate: what was not answered before the broker died is repeated with the same key.
TEST(Client, ALostRequestIsRepeatedWithItsKeyOverANewConnection) {
  std::atomic<bool> deaf = true;
  FakeBroker broker([&deaf](const Envelope&) { return deaf ? ReplyBody{} : ReplyBody{Done{}}; });
  auto client = client_of(broker);
  Result<ReplyBody> result = fail(Code::internal, "");
  const RequestKey key =
      client->start(CancelJob{{1}}, {}, [&](Result<ReplyBody> r) { result = std::move(r); });
  while (broker.heard() == 0) client->poll(milliseconds(10));
  broker.stop();
  EXPECT_EQ(broker.seen(), std::vector{key});
  deaf = false;
  broker.start();
  while (client->in_flight() > 0) client->poll(milliseconds(100));
  broker.stop();
  ASSERT_TRUE(result) << to_string(result.error());
  EXPECT_EQ(broker.seen(), (std::vector{key, key}));
}

TEST(Client, BusyMeansLater) {
  std::atomic<int> calls = 0;
  FakeBroker broker([&calls](const Envelope&) {
    return ++calls < 3 ? ReplyBody{Refused{Code::broker_busy, "come back"}} : ReplyBody{Done{}};
  });
  EXPECT_TRUE(client_of(broker)->get<Done>(CancelJob{{1}}));
  EXPECT_EQ(calls, 3);
}

TEST(Client, TheDeadlineTellsSilenceFromAbsence) {
  FakeBroker broker([](const Envelope&) { return ReplyBody{}; });
  auto client = client_of(broker);
  auto silent = client->get<Info>(Hello{}, {.key = {}, .timeout = milliseconds(200)});
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, Code::timeout);
  broker.stop();
  auto absent = client_of(broker)->get<Info>(Hello{}, {.key = {}, .timeout = milliseconds(200)});
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Code::broker_unreachable);
  EXPECT_NE(absent.error().detail.find(broker.endpoint()), std::string::npos);
}

TEST(Client, ADroppedRequestIsNeverAnswered) {
  FakeBroker broker(info);
  auto client = client_of(broker);
  const RequestKey key = client->start(Hello{}, {}, [](const Result<ReplyBody>&) { FAIL(); });
  client->drop(key);
  EXPECT_TRUE(client->get<Info>(Hello{}));
  EXPECT_EQ(client->in_flight(), 0U);
}

TEST(Client, WithoutAConnectionFileItSaysWhatToDo) {
  auto client = Client::open({.connection_file = "/nonexistent/connection.yaml", .connection = {}},
                             net::make_curve_keys());
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, Code::broker_not_found);
  EXPECT_EQ(client.error().detail, "no broker known in /nonexistent; start one with `weft up`");
}

// A log in pieces, told apart by rank, stream and offset.
TEST(LogFollower, ReadsEveryStreamToItsEnd) {
  const std::string text = "one\ntwo\nthree\n";
  FakeBroker broker([&text](const Envelope& envelope) {
    const auto& ask = std::get<ReadLog>(std::get<Request>(envelope.body).body);
    if (ask.errors) return ReplyBody{LogChunk{ask.offset, ask.offset, {}, true}};
    const std::string piece = text.substr(ask.offset, 5);
    LogChunk chunk;
    chunk.offset = ask.offset;
    chunk.next = ask.offset + piece.size();
    chunk.data.assign(piece.begin(), piece.end());
    chunk.end = chunk.next == text.size();
    return ReplyBody{chunk};
  });
  auto client = client_of(broker);
  std::map<std::uint32_t, std::string> got;
  LogFollower logs(*client, {{1}, 1, {0, 1, 2}, true},
                   [&](std::uint32_t rank, bool, std::span<const std::uint8_t> data) {
                     got[rank].append(data.begin(), data.end());
                   });
  while (!logs.done()) client->poll(seconds(1));
  for (std::uint32_t rank = 0; rank < 3; ++rank) EXPECT_EQ(got[rank], text);
}

}  // namespace
}  // namespace weft::client
