// Whoever reaches the broker's port: no key, a revoked key, random bytes, frames that never end.
// Each is refused or cut off; the broker, its memory and other clients' latency stay as they were.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <iostream>
#include <random>
#include <thread>

#include "tests/process/support/held_job.hpp"
#include "tests/process/support/lone_broker.hpp"
#include "tests/process/support/processes.hpp"
#include "tests/process/support/zmtp_peer.hpp"

namespace weft::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t memory_growth_max = 256 * mib;

Bytes random_bytes(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

Bytes hello_message(std::uint8_t number) {
  Envelope envelope;
  envelope.key.data.fill(number);
  envelope.body = Request{Hello{}};
  return encode(envelope);
}

client::CallOptions patient() {
  client::CallOptions options;
  options.timeout = seconds(10);
  return options;
}
client::CallOptions with_key(const RequestKey& key) {
  client::CallOptions options;
  options.key = key;
  return options;
}

class Strangers : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(broker_.start());
    alice_ = broker_.enroll(Role::customer, "alice");
    mallory_ = broker_.enroll(Role::customer, "mallory");
    gateway_ = broker_.gateway("clients");
    ASSERT_GT(gateway_, 0);
  }
  void TearDown() override {
    if (!broker_.running()) ADD_FAILURE() << "the broker is gone";
    broker_.kill_now();
    if (HasFailure()) std::cout << broker_.last_log() << '\n';
  }

  // Runs `attack` over and over beside an honest client. Its median round trip moves by at most 2x
  // (and the half millisecond by which it moves on a busy machine anyway), no process is replaced,
  // and the gateway's memory is bounded.
  void expect_unmoved(const std::string& name, const std::function<void()>& attack,
                      double factor_max = 2) {
    Victim victim(broker_.connection(), alice_);
    victim.median_us(200);
    const double before = victim.median_us(1'000);
    const std::uint64_t memory = LoneBroker::resident_bytes(gateway_);
    std::uint64_t most = memory;
    std::atomic<bool> over{false};
    std::atomic<int> rounds{0};
    std::thread attacker([&] {
      while (!over) {
        attack();
        ++rounds;
      }
    });
    std::thread watcher([&] {
      while (!over) {
        most = std::max(most, LoneBroker::resident_bytes(gateway_));
        std::this_thread::sleep_for(milliseconds(5));
      }
    });
    std::vector<double> during;
    const auto until = Clock::now() + milliseconds(3'000);
    while (Clock::now() < until) during.push_back(victim.median_us(100));
    over = true;
    attacker.join();
    watcher.join();
    const double after = victim.median_us(1'000);
    const double quiet = std::max(before, after);
    std::ranges::sort(during);
    const double middle = during[during.size() / 2];
    std::cout << fmt::format(
        "{}: median round trip {:.0f} us before, {:.0f} during, {:.0f} after; {} rounds; "
        "gateway {} MiB, at most {} MiB\n",
        name, before, middle, after, rounds.load(), memory / mib, most / mib);
    EXPECT_GT(during.front(), 0) << "a request was not answered";
    EXPECT_LE(middle, factor_max * quiet + 500);
    EXPECT_LE(most, memory + memory_growth_max);
    EXPECT_EQ(broker_.gateway("clients"), gateway_) << "the gateway died of it";
  }

  ZmtpPeer peer() { return ZmtpPeer(broker_.connection().clients); }
  Principal server() { return broker_.connection().server; }

  LoneBroker broker_;
  net::CurveKeys alice_, mallory_;
  pid_t gateway_ = 0;
};

TEST_F(Strangers, TheRawPeerSpeaksTheProtocol) {  // or every test below proves nothing
  ZmtpPeer honest(broker_.connection().clients);
  ASSERT_TRUE(honest.greet());
  ASSERT_TRUE(honest.shake_hands(server(), alice_));
  ASSERT_TRUE(honest.send(hello_message(7)));
  const auto answer = honest.receive();
  ASSERT_TRUE(answer);
  const auto envelope = decode_envelope(*answer);
  ASSERT_TRUE(envelope) << to_string(envelope.error());
  EXPECT_EQ(envelope->key.data[0], 7);
  EXPECT_TRUE(std::holds_alternative<Info>(std::get<Reply>(envelope->body).body));
}

TEST_F(Strangers, AnUnknownKeyIsRefused) {
  const auto reply = broker_.client(net::make_curve_keys())->call(Hello{}, patient());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::auth_unknown_key);
}

TEST_F(Strangers, ARevokedKeyIsRefusedAlsoOnAConnectionThatItHad) {
  auto client = broker_.client(mallory_);
  ASSERT_TRUE(client->call(Hello{}));
  ASSERT_TRUE(broker_.client(broker_.operator_keys())->call(RevokeKey{"mallory"}));
  const auto reply = client->call(Hello{}, patient());
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error().code, testing::AnyOf(Code::auth_unknown_key, Code::auth_denied));
  EXPECT_TRUE(broker_.client(alice_)->call(Hello{}));
}

TEST_F(Strangers, AWorkersKeyCannotSubmit) {
  const auto reply =
      broker_.client(broker_.enroll(Role::worker, "n1"))->call(held_job("j"), patient());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::auth_denied);
}

TEST_F(Strangers, ACustomersKeyIsNotLetInWhereWorkersAre) {
  auto where = broker_.connection();
  where.clients = where.workers;
  auto client = client::Client::open({"", where}, mallory_);
  ASSERT_TRUE(client);
  const auto reply = (*client)->call(Hello{}, patient());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::auth_unknown_key);
}

TEST_F(Strangers, ARepeatedRequestHasOneEffectAndAnotherBodyWithItsKeyIsAConflict) {
  auto client = broker_.client(mallory_);
  RequestKey key;
  key.data.fill(0x42);
  const auto first = client->get<Submitted>(held_job("one"), with_key(key));
  ASSERT_TRUE(first) << to_string(first.error());
  const auto again = broker_.client(mallory_)->get<Submitted>(held_job("one"), with_key(key));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->job, first->job);
  const auto other = client->call(held_job("two"), with_key(key));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::idem_conflict);
  const auto alices = broker_.client(alice_)->get<Submitted>(held_job("one"), with_key(key));
  ASSERT_TRUE(alices) << "a key is its owner's";
  EXPECT_NE(alices->job, first->job);
}

TEST_F(Strangers, ReplayedBytesOfAConnectionEndIt) {
  ZmtpPeer attacker(broker_.connection().clients);
  ASSERT_TRUE(attacker.greet() && attacker.shake_hands(server(), mallory_));
  const Bytes sealed = attacker.seal(hello_message(1), false);
  ASSERT_TRUE(attacker.raw(sealed));
  ASSERT_TRUE(attacker.receive());
  attacker.raw(sealed);
  EXPECT_TRUE(attacker.closed_within(5'000));
  ZmtpPeer elsewhere(broker_.connection().clients);  // recorded, and played into another connection
  ASSERT_TRUE(elsewhere.greet() && elsewhere.shake_hands(server(), mallory_));
  elsewhere.raw(sealed);
  EXPECT_TRUE(elsewhere.closed_within(5'000));
}

TEST_F(Strangers, AClaimedRoutingIdIsCutOff) {
  const Bytes claims[] = {{'w', 'o', 'r', 'k', 'e', 'r'}, {0, 1, 2, 3, 4}, {0}};
  for (const Bytes& claim : claims) {
    ZmtpPeer attacker(broker_.connection().clients);
    ASSERT_TRUE(attacker.greet());
    if (!attacker.shake_hands(server(), mallory_, claim)) continue;  // not even let in
    attacker.send(hello_message(1));
    EXPECT_TRUE(attacker.closed_within(5'000));
  }
  EXPECT_EQ(broker_.gateway("clients"), gateway_);
  EXPECT_TRUE(broker_.client(alice_)->call(Hello{}));
}

TEST_F(Strangers, AFrameOfFourGigabytesIsCutOffBeforeAnythingIsReservedForIt) {
  const Bytes header = {2, 0, 0, 0, 1, 0, 0, 0, 0};   // a long message frame
  const Bytes command = {6, 0, 0, 0, 1, 0, 0, 0, 0};  // a long command
  const std::uint64_t memory = LoneBroker::resident_bytes(gateway_);
  ZmtpPeer before(broker_.connection().clients);
  ASSERT_TRUE(before.greet());
  before.raw(command);
  EXPECT_TRUE(before.closed_within(5'000));
  ZmtpPeer enrolled(broker_.connection().clients);
  ASSERT_TRUE(enrolled.greet() && enrolled.shake_hands(server(), mallory_));
  enrolled.raw(header);
  EXPECT_TRUE(enrolled.closed_within(5'000));
  EXPECT_LE(LoneBroker::resident_bytes(gateway_), memory + 16 * mib);
  expect_unmoved("4 GiB headers", [&] {
    ZmtpPeer attacker(broker_.connection().clients);
    if (attacker.connected() && attacker.greet()) attacker.raw(command);
    attacker.closed_within(1'000);
  });
}

TEST_F(Strangers, RandomBytesChangeNothing) {
  std::uint64_t seed = 0;
  expect_unmoved("random bytes", [&] {
    ZmtpPeer attacker(broker_.connection().clients);
    if (!attacker.connected()) return;
    ++seed;
    if (seed % 2 == 0) attacker.greet();
    attacker.raw_now(random_bytes(1'000 + seed % 20'000, seed));
    attacker.closed_within(20);
  });
}

TEST_F(Strangers, HalfHandshakesEndByThemselvesAndChangeNothing) {
  ZmtpPeer silent(broker_.connection().clients), greeted(broker_.connection().clients),
      said(broker_.connection().clients);
  ASSERT_TRUE(greeted.greet() && said.greet() && said.hello(server()));
  std::vector<std::unique_ptr<ZmtpPeer>> held;
  expect_unmoved("half handshakes", [&] {
    held.push_back(std::make_unique<ZmtpPeer>(broker_.connection().clients));
    if (held.back()->connected() && held.size() % 2 == 0 && held.back()->greet())
      held.back()->hello(server());
    if (held.size() > 500) held.clear();
    std::this_thread::sleep_for(milliseconds(2));  // 500 a second
  });
  EXPECT_TRUE(silent.closed_within(5'000));
  EXPECT_TRUE(greeted.closed_within(5'000));
  EXPECT_TRUE(said.closed_within(5'000));
}

TEST_F(Strangers, FramesFlaggedMoreWithoutEndAreCutOff) {
  const Bytes frame(64 << 10, 0xab);
  std::atomic<std::uint64_t> sent{0}, cut{0};
  expect_unmoved("MORE without end", [&] {
    ZmtpPeer attacker(broker_.connection().clients);
    if (!attacker.connected() || !attacker.greet() || !attacker.shake_hands(server(), mallory_))
      return;
    for (int i = 0; i < 16'384; ++i) {  // 1 GiB
      if (!attacker.send(frame, true)) {
        ++cut;
        return;
      }
      sent += frame.size();
    }
    ADD_FAILURE() << "1 GiB of an endless message was taken";
  });
  std::cout << fmt::format("{} MiB of endless messages, {} connections cut off\n", sent / mib,
                           cut.load());
  EXPECT_GT(cut, 0u);
}

TEST_F(Strangers, AMessageOfTwoFramesIsCutOff) {
  ZmtpPeer attacker(broker_.connection().clients);
  ASSERT_TRUE(attacker.greet() && attacker.shake_hands(server(), mallory_));
  attacker.send(hello_message(1), true);
  attacker.send(hello_message(2), false);
  EXPECT_TRUE(attacker.closed_within(5'000));
}

TEST_F(Strangers, AFloodOfRequestsIsCutOff) {
  std::atomic<std::uint64_t> sent{0}, cut{0};
  expect_unmoved("flood", [&] {
    ZmtpPeer attacker(broker_.connection().clients);
    if (!attacker.connected() || !attacker.greet() || !attacker.shake_hands(server(), mallory_))
      return;
    for (int i = 0; i < 200'000; ++i, ++sent)
      if (!attacker.send(hello_message(static_cast<std::uint8_t>(i)))) {
        ++cut;
        return;
      }
  });
  std::cout << fmt::format("{} requests that nobody waited for, {} connections cut off\n",
                           sent.load(), cut.load());
  EXPECT_GT(cut.load(), 0u);
}

TEST_F(Strangers, AReaderThatNeverReadsIsCutOff) {
  auto op = broker_.client(broker_.operator_keys());
  for (int i = 0; i < 1'000; ++i) {
    KeyEntry key{net::make_curve_keys().public_key, Role::customer, fmt::format("c{}", i), "a",
                 false};
    ASSERT_TRUE(op->call(EnrollKey{key}));
  }
  const net::CurveKeys keys = broker_.operator_keys();
  Envelope envelope;
  envelope.body = Request{ListKeys{}};  // about 100 KiB to answer
  std::uint64_t number = 0;
  std::atomic<std::uint64_t> cut{0};
  constexpr double costly =
      100;  // it asks for costly answers, one of which may be before the victim's
  expect_unmoved(
      "a reader that never reads",
      [&] {
        ZmtpPeer attacker(broker_.connection().clients);
        if (!attacker.connected() || !attacker.greet() || !attacker.shake_hands(server(), keys))
          return;
        for (int i = 0; i < 1'000; ++i) {
          std::memcpy(envelope.key.data.data(), &++number, sizeof number);
          if (!attacker.send(encode(envelope))) break;
        }
        // Stays, unread, until it is thrown out.
        const auto until = Clock::now() + milliseconds(2'000);
        while (Clock::now() < until) {
          if (!attacker.raw(attacker.seal(hello_message(1), false))) {
            ++cut;
            return;
          }
          std::this_thread::sleep_for(milliseconds(20));
        }
      },
      costly);
  EXPECT_GT(cut, 0u);
}

TEST_F(Strangers, AnAbortedGatewayIsServedAgainWithinASecondAndOnlyItsOwnPeersNotice) {
  auto client = broker_.client(alice_);
  ASSERT_TRUE(client->call(Hello{}));
  const pid_t workers = broker_.gateway("workers");
  for (int round = 0; round < 3; ++round) {
    const pid_t before = broker_.gateway("clients");
    ::kill(before, SIGABRT);
    const auto began = Clock::now();
    wait_until("another gateway", [&] {
      const pid_t now = broker_.gateway("clients");
      return now != 0 && now != before;
    });
    ASSERT_TRUE(broker_.client(alice_)->call(Hello{}, patient()));
    EXPECT_LT(Clock::now() - began, milliseconds(2'000));
  }
  EXPECT_EQ(broker_.gateway("workers"), workers);
  gateway_ = broker_.gateway("clients");
}

}  // namespace
}  // namespace weft::test
