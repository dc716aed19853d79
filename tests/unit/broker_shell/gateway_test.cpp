// The gateway as the core sees it: the real child process, real CURVE clients.
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>

#include <chrono>
#include <functional>
#include <thread>

#include "base/net/dealer.hpp"
#include "broker/shell/clock.hpp"
#include "broker/shell/gateway_process.hpp"
#include "tests/unit/broker_shell/temp_dir.hpp"

namespace weft::broker {
namespace {

class Gateway : public testing::Test {
 protected:
  void start(bool clients, const std::string& endpoints = "tcp://127.0.0.1:0") {
    GatewayProcess::Settings settings;
    settings.clients = clients;
    settings.endpoints = endpoints;
    settings.secret.data = server_.secret.data;
    settings.program = WEFT_BIN_DIR "/weft-broker";
    gateway_ = std::make_unique<GatewayProcess>(std::move(settings));
    gateway_->allow(keys_);
    ASSERT_TRUE(until([&] { return gateway_->ready(); })) << gateway_->broken();
  }
  net::CurveKeys enroll(Role role, const std::string& name) {
    const net::CurveKeys keys = net::make_curve_keys();
    keys_.push_back({keys.public_key, role, name, name, false});
    return keys;
  }
  std::unique_ptr<net::Dealer> connect(const net::CurveKeys& keys) {
    const std::string all = gateway_->endpoints();
    auto dealer =
        net::Dealer::connect(context_, all.substr(0, all.find('\n')), server_.public_key, keys, {});
    EXPECT_TRUE(dealer);
    return std::move(*dealer);
  }
  // Does the loop's work on the gateway until `done`, at most 20 s.
  bool until(const std::function<bool()>& done) {
    const std::uint64_t end = monotonic_ns() + 20'000'000'000;
    while (!done()) {
      if (monotonic_ns() > end) return false;
      gateway_->tend(monotonic_ns() / 1'000'000);
      gateway_->flush();
      pollfd link{gateway_->fd(), POLLIN, 0};
      poll(&link, 1, 5);
      if (link.revents != 0) gateway_->receive();
      gateway_->collect(events_, 1'000);
    }
    return true;
  }
  net::Link settled(net::Dealer& dealer) {
    until([&] { return dealer.link() != net::Link::connecting; });
    return dealer.link();
  }
  std::optional<Blob> receive(net::Dealer& dealer) {
    std::optional<Blob> got;
    until(
        [&] { return (got = dealer.receive()).has_value() || dealer.link() == net::Link::closed; });
    return got;
  }
  template <class T>
  std::vector<T> events() {
    std::vector<T> found;
    for (const Event& event : events_)
      if (const auto* e = std::get_if<T>(&event)) found.push_back(*e);
    return found;
  }
  static Blob request(std::uint8_t number, RequestBody body = Hello{}) {
    Envelope envelope;
    envelope.key.data.fill(number);
    envelope.body = Request{std::move(body)};
    return encode(envelope);
  }
  static Blob report(ReportBody body, std::uint64_t incarnation = 1) {
    Envelope envelope;
    envelope.incarnation = {incarnation};
    envelope.body = Report{std::move(body)};
    return encode(envelope);
  }
  std::optional<Refused> refusal(net::Dealer& dealer, std::uint8_t number) {
    const auto got = receive(dealer);
    if (!got) return std::nullopt;
    const auto envelope = decode_envelope(*got);
    EXPECT_TRUE(envelope);
    EXPECT_EQ(envelope->key.data[0], number);
    const auto* reply = std::get_if<Reply>(&envelope->body);
    return reply ? std::optional(std::get<Refused>(reply->body)) : std::nullopt;
  }

  net::Context context_;
  const net::CurveKeys server_ = net::make_curve_keys();
  std::vector<KeyEntry> keys_;
  std::unique_ptr<GatewayProcess> gateway_;
  std::vector<Event> events_;
};

TEST_F(Gateway, PassesARequestOnByteForByteWithTheKeyThatCurveProvedAndTheAnswerBack) {
  const auto alice = enroll(Role::customer, "alice");
  start(true);
  auto dealer = connect(alice);
  ASSERT_EQ(settled(*dealer), net::Link::ready);
  ASSERT_TRUE(dealer->send(request(5)));
  ASSERT_TRUE(until([&] { return !events<MessageCame>().empty(); }));
  const auto came = events<MessageCame>().at(0);
  EXPECT_EQ(came.principal, alice.public_key);
  EXPECT_EQ(came.raw, request(5));
  EXPECT_EQ(came.envelope.key.data[3], 5);
  Envelope answer;
  answer.key = came.envelope.key;
  answer.body = Reply{Done{}};
  gateway_->send(came.session, answer, true);
  EXPECT_EQ(receive(*dealer), encode(answer));
}

TEST_F(Gateway, RefusesAKeyThatIsNotEnrolled) {
  enroll(Role::customer, "alice");
  start(true);
  auto dealer = connect(net::make_curve_keys());
  EXPECT_EQ(settled(*dealer), net::Link::closed);
  EXPECT_EQ(dealer->reason().code, Code::auth_unknown_key);
}

TEST_F(Gateway, ClosesTheSessionsOfARevokedKeyAndRefusesItFromThenOn) {
  const auto alice = enroll(Role::customer, "alice"), bob = enroll(Role::customer, "bob");
  start(true);
  auto a = connect(alice), b = connect(bob);
  ASSERT_TRUE(settled(*a) == net::Link::ready && settled(*b) == net::Link::ready);
  ASSERT_TRUE(a->send(request(1)) && b->send(request(2)));
  ASSERT_TRUE(until([&] { return events<MessageCame>().size() == 2; }));
  keys_[0].revoked = true;
  gateway_->allow(keys_);
  EXPECT_TRUE(until([&] { return a->link() == net::Link::closed; }));
  ASSERT_TRUE(until([&] { return !events<SessionClosed>().empty(); }));
  auto again = connect(alice);
  EXPECT_EQ(settled(*again), net::Link::closed);
  EXPECT_EQ(again->reason().code, Code::auth_unknown_key);
  ASSERT_TRUE(b->send(request(3))) << "the other key's session lives";
  EXPECT_TRUE(until([&] { return events<MessageCame>().size() == 3; }));
}

TEST_F(Gateway, TheWorkersEndpointIsForWorkersOnly) {
  const auto node = enroll(Role::worker, "n1"), alice = enroll(Role::customer, "alice");
  start(false);
  auto customer = connect(alice), worker = connect(node);
  EXPECT_EQ(settled(*customer), net::Link::closed);
  EXPECT_EQ(settled(*worker), net::Link::ready);
}

TEST_F(Gateway, HeartbeatsEndThereAndTellThatASessionIsAlive) {
  const auto node = enroll(Role::worker, "n1");
  start(false);
  auto worker = connect(node);
  ASSERT_EQ(settled(*worker), net::Link::ready);
  ASSERT_TRUE(worker->send(report(Join{"n1", {}, {}, {}})));
  ASSERT_TRUE(until([&] { return events<MessageCame>().size() == 1; }));
  const SessionId session = events<MessageCame>()[0].session;
  ASSERT_TRUE(until([&] { return !events<SessionsAlive>().empty(); }));
  events_.clear();
  ASSERT_TRUE(worker->send(report(Beat{})));
  ASSERT_TRUE(until([&] { return !events<SessionsAlive>().empty(); }));
  EXPECT_THAT(events<SessionsAlive>()[0].sessions, testing::ElementsAre(session));
  EXPECT_TRUE(events<MessageCame>().empty());
  ASSERT_TRUE(worker->send(report(Beat{}, 2)));  // another process of the worker: that is news
  EXPECT_TRUE(until([&] { return events<MessageCame>().size() == 1; }));
}

TEST_F(Gateway, AnswersWhatItRefusesWithACodeAndTheKeyOfTheRequest) {
  const auto alice = enroll(Role::customer, "alice");
  start(true);
  auto dealer = connect(alice);
  ASSERT_EQ(settled(*dealer), net::Link::ready);
  Envelope future;
  future.protocol = 9;
  future.key.data.fill(1);
  future.body = Request{Hello{}};
  ASSERT_TRUE(dealer->send(encode(future)));
  EXPECT_EQ(refusal(*dealer, 1)->code, Code::wire_version);
  PutOffer long_name;
  long_name.nodes.push_back(std::string(limits::argument_bytes_max + 1, 'x'));
  ASSERT_TRUE(dealer->send(request(2, long_name)));
  EXPECT_EQ(refusal(*dealer, 2)->code, Code::wire_limit);
  Envelope order;
  order.key.data.fill(3);
  order.body = Order{Go{}};
  ASSERT_TRUE(dealer->send(encode(order)));
  EXPECT_EQ(refusal(*dealer, 3)->code, Code::wire_unknown);
  EXPECT_TRUE(events<MessageCame>().empty()) << "nothing of this reached the core";
}

TEST_F(Gateway, ClosesWhoSendsBytesThatAreNoMessage) {
  const auto alice = enroll(Role::customer, "alice");
  start(true);
  auto dealer = connect(alice);
  ASSERT_EQ(settled(*dealer), net::Link::ready);
  ASSERT_TRUE(dealer->send(Blob(801, 0xee)));
  EXPECT_TRUE(until([&] { return dealer->link() == net::Link::closed; }));
}

TEST_F(Gateway, ASessionHasACreditOfUnansweredRequests) {
  const auto alice = enroll(Role::customer, "alice");
  start(true);
  auto dealer = connect(alice);
  ASSERT_EQ(settled(*dealer), net::Link::ready);
  for (std::uint32_t i = 0; i < limits::requests_unanswered_max; ++i)
    ASSERT_TRUE(dealer->send(request(1)));
  ASSERT_TRUE(
      until([&] { return events<MessageCame>().size() == limits::requests_unanswered_max; }));
  ASSERT_TRUE(dealer->send(request(2)));
  EXPECT_EQ(refusal(*dealer, 2)->code, Code::wire_rate);
  Envelope answer;
  answer.body = Reply{Done{}};
  gateway_->send(events<MessageCame>()[0].session, answer, true);  // one answered: room for one
  ASSERT_TRUE(receive(*dealer));
  ASSERT_TRUE(dealer->send(request(3)));
  EXPECT_TRUE(
      until([&] { return events<MessageCame>().size() == limits::requests_unanswered_max + 1; }));
}

TEST_F(Gateway, ALastMessageLeavesBeforeTheSessionIsCut) {
  const auto alice = enroll(Role::customer, "alice");
  start(true);
  auto dealer = connect(alice);
  ASSERT_EQ(settled(*dealer), net::Link::ready);
  ASSERT_TRUE(dealer->send(request(1)));
  ASSERT_TRUE(until([&] { return !events<MessageCame>().empty(); }));
  const SessionId session = events<MessageCame>()[0].session;
  Envelope farewell;
  farewell.body = Order{Dismissed{Code::worker_superseded, "bye"}};
  gateway_->send(session, farewell, false);
  gateway_->close(session);
  EXPECT_EQ(receive(*dealer), encode(farewell));
  EXPECT_TRUE(until([&] { return dealer->link() == net::Link::closed; }));
  EXPECT_TRUE(until([&] { return !events<SessionClosed>().empty(); }));
}

TEST_F(Gateway, ComesBackWithinASecondOnTheSameEndpointWhenItIsKilled) {
  const auto alice = enroll(Role::customer, "alice");
  start(true);
  const std::string endpoint = gateway_->endpoints();
  auto dealer = connect(alice);
  ASSERT_EQ(settled(*dealer), net::Link::ready);
  ASSERT_TRUE(dealer->send(request(1)));
  ASSERT_TRUE(until([&] { return !events<MessageCame>().empty(); }));
  const SessionId before = events<MessageCame>()[0].session;
  const pid_t pid = gateway_->pid();
  const std::uint64_t killed_ns = monotonic_ns();
  kill(pid, SIGKILL);
  ASSERT_TRUE(until([&] { return !events<GatewayLost>().empty() && gateway_->ready(); }));
  EXPECT_LT(monotonic_ns() - killed_ns, 1'000'000'000u);
  EXPECT_THAT(events<GatewayLost>()[0].sessions, testing::ElementsAre(before));
  EXPECT_EQ(gateway_->endpoints(), endpoint);
  EXPECT_NE(gateway_->pid(), pid);
  EXPECT_EQ(settled(*dealer), net::Link::closed) << "a connection is used once";
  auto again = connect(alice);
  ASSERT_EQ(settled(*again), net::Link::ready) << "the allow-list was sent again";
  ASSERT_TRUE(again->send(request(2)));
  ASSERT_TRUE(until([&] { return events<MessageCame>().size() == 2; }));
  EXPECT_NE(events<MessageCame>()[1].session, before);
  Envelope late;
  late.body = Reply{Done{}};
  gateway_->send(before, late, true);  // for a session of the dead one: dropped
  gateway_->send(events<MessageCame>()[1].session, late, true);
  EXPECT_TRUE(receive(*again));
}

TEST_F(Gateway, OneThatDoesNotAnswerIsReplaced) {
  const auto alice = enroll(Role::customer, "alice");
  start(true);
  kill(gateway_->pid(), SIGSTOP);
  EXPECT_TRUE(until([&] { return !events<GatewayLost>().empty() && gateway_->ready(); }));
  auto dealer = connect(alice);
  EXPECT_EQ(settled(*dealer), net::Link::ready);
}

TEST_F(Gateway, ServesUnixSocketsBesideTcp) {
  TempDir dir;
  const auto alice = enroll(Role::customer, "alice");
  start(true, "ipc://" + dir.file("c.sock") + "\ntcp://127.0.0.1:0");
  auto dealer = connect(alice);
  ASSERT_EQ(settled(*dealer), net::Link::ready);
  ASSERT_TRUE(dealer->send(request(1)));
  EXPECT_TRUE(until([&] { return !events<MessageCame>().empty(); }));
  kill(gateway_->pid(), SIGKILL);
  ASSERT_TRUE(until([&] { return !events<GatewayLost>().empty() && gateway_->ready(); }));
  auto again = connect(alice);
  EXPECT_EQ(settled(*again), net::Link::ready) << "the socket file was replaced";
}

TEST_F(Gateway, SaysWhyItCannotBind) {
  enroll(Role::customer, "alice");
  GatewayProcess::Settings settings;
  settings.endpoints = "ipc:///nowhere/at/all";
  settings.secret.data = server_.secret.data;
  settings.program = WEFT_BIN_DIR "/weft-broker";
  gateway_ = std::make_unique<GatewayProcess>(std::move(settings));
  gateway_->allow(keys_);
  EXPECT_TRUE(until([&] { return !gateway_->broken().empty(); }));
  EXPECT_THAT(gateway_->broken(), testing::HasSubstr("/nowhere/at/all"));
}

TEST_F(Gateway, HasLittleLeftToLose) {
  enroll(Role::customer, "alice");
  start(true);
  std::FILE* file =
      std::fopen(("/proc/" + std::to_string(gateway_->pid()) + "/status").c_str(), "r");
  ASSERT_NE(file, nullptr);
  std::string status;
  char line[256];
  while (std::fgets(line, sizeof line, file) != nullptr) status += line;
  std::fclose(file);
  EXPECT_THAT(status, testing::HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(status, testing::HasSubstr("CapEff:\t0000000000000000"));
  if (geteuid() == 0) {
    EXPECT_THAT(status, testing::HasSubstr("Uid:\t64117\t64117\t64117\t64117"));
  }
}

}  // namespace
}  // namespace weft::broker
