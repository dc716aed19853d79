// Every option of the ROUTER, read back: a default of libzmq that slips in loses messages or lets
// strangers in.
#include <gtest/gtest.h>
#include <zmq.h>

#include "base/limits.hpp"
#include "broker/shell/gateway/router.hpp"

namespace weft::broker {
namespace {

int int_option(void* socket, int option) {
  int value = -1;
  std::size_t size = sizeof value;
  EXPECT_EQ(zmq_getsockopt(socket, option, &value, &size), 0)
      << option << ": " << zmq_strerror(zmq_errno());
  return value;
}

TEST(RouterOptions, AreWhatTheyWereSetTo) {
  net::Context context;
  auto router = Router::make(context, net::make_curve_keys().secret);
  ASSERT_TRUE(router) << to_string(router.error());
  void* socket = (*router)->socket();
  EXPECT_EQ(int_option(socket, ZMQ_CURVE_SERVER), 1);
  EXPECT_EQ(int_option(socket, ZMQ_MECHANISM), ZMQ_CURVE);
  EXPECT_EQ(int_option(socket, ZMQ_LINGER), 0);
  EXPECT_EQ(int_option(socket, ZMQ_HANDSHAKE_IVL), 3'000);
  EXPECT_EQ(int_option(socket, ZMQ_BACKLOG), 4'096);
  EXPECT_EQ(int_option(socket, ZMQ_HEARTBEAT_IVL), 10'000);
  EXPECT_EQ(int_option(socket, ZMQ_HEARTBEAT_TIMEOUT), 30'000);
  EXPECT_EQ(int_option(socket, ZMQ_SNDHWM), 4'096);
  EXPECT_EQ(int_option(socket, ZMQ_RCVHWM), 1'024);
  EXPECT_GT(int_option(socket, ZMQ_SNDHWM), static_cast<int>(limits::requests_unanswered_max));
  std::int64_t message_max = 0;
  std::size_t size = sizeof message_max;
  ASSERT_EQ(zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &message_max, &size), 0);
  EXPECT_EQ(message_max, static_cast<std::int64_t>(limits::message_bytes_max));
  char domain[32] = {};
  size = sizeof domain;
  ASSERT_EQ(zmq_getsockopt(socket, ZMQ_ZAP_DOMAIN, domain, &size), 0);
  EXPECT_STREQ(domain, zap_domain);
}

// ROUTER_MANDATORY, HANDOVER and ZAP_ENFORCE_DOMAIN cannot be read back: their effects can.
TEST(RouterOptions, ASendToNobodyIsAnError) {
  net::Context context;
  auto router = Router::make(context, net::make_curve_keys().secret);
  ASSERT_TRUE(router);
  const std::uint8_t word[] = {1};
  EXPECT_EQ((*router)->send(12'345, word), Sent::no_such_peer);
}

TEST(RouterOptions, WithoutAHandlerNobodyIsLetIn) {
  net::Context context;
  const auto server = net::make_curve_keys(), stranger = net::make_curve_keys();
  auto router = Router::make(context, server.secret);
  ASSERT_TRUE(router);
  const auto endpoint = (*router)->bind("tcp://127.0.0.1:*");
  ASSERT_TRUE(endpoint);
  auto dealer = net::Dealer::connect(context, *endpoint, server.public_key, stranger, {});
  ASSERT_TRUE(dealer);
  while ((*dealer)->link() == net::Link::connecting) (*dealer)->poll(milliseconds(100));
  EXPECT_EQ((*dealer)->link(), net::Link::closed);
}

}  // namespace
}  // namespace weft::broker
