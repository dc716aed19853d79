#include "schemas/yaml/broker_config.hpp"

#include <gtest/gtest.h>

namespace weft::yaml {
namespace {

std::vector<std::string> messages(std::string_view text) {
  std::vector<std::string> out;
  for (const Problem& problem : read_broker_config(text).problems)
    out.push_back(to_string(problem, "b.yaml"));
  return out;
}

TEST(BrokerConfig, EmptyFileIsAllDefaults) {
  const auto file = read_broker_config("# nothing\n");
  EXPECT_TRUE(file.problems.empty());
  EXPECT_EQ(file.config, BrokerConfig{});
}

TEST(BrokerConfig, ComesBackAsPrinted) {
  BrokerConfig config;
  config.listen_clients = {"tcp://0.0.0.0:4170", "ipc:///run/weft/a b"};
  config.listen_workers = {"tcp://[::]:4171"};
  config.price = {2'400'000};
  config.fee_bps = 250;
  config.operators = {{"alice", {}}, {"bob", {}}};
  config.operators[1].principal.data[0] = 7;
  config.heartbeat_period = milliseconds(250);
  config.heartbeat_silence = milliseconds(750);
  config.recovery_grace = {};
  config.log_level = log::Level::debug;
  const auto file = read_broker_config(print_broker_config(config));
  EXPECT_TRUE(file.problems.empty()) << print_broker_config(config);
  EXPECT_EQ(file.config, config);
}

TEST(BrokerConfig, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(
      messages("listen: {clients: tcp://x}\nfe: 3\nprice: 2,40\n"),
      (std::vector<std::string>{
          "b.yaml:1:19: spec.type: listen.clients: 'tcp://x' where a list belongs; write e.g. "
          "[\"tcp://0.0.0.0:4170\"]",
          "b.yaml:2:1: spec.unknown_key: fe: not a key of this file; did you mean 'fee'?",
          "b.yaml:3:8: spec.syntax: price: '2,40' is not an amount in dollars; write e.g. 2.40 (at "
          "most 6 "
          "decimals, at most 1000000000)"}));
  EXPECT_EQ(messages("heartbeat: {period: 2s, silence: 5s}\n"),
            (std::vector<std::string>{
                "b.yaml:1:34: spec.conflict: heartbeat.silence: two lost heartbeats are weather; "
                "allowed is at least three periods, 6s"}));
  EXPECT_EQ(messages("operators:\n  - {name: alice}\n  - {name: bob, key: 00}\n"),
            (std::vector<std::string>{
                "b.yaml:2:5: spec.missing: operators: an operator lacks its key; write a list of "
                "{name: ..., key: ...}",
                "b.yaml:3:22: spec.type: operators.key: not a key; write 64 hexadecimal digits"}));
  EXPECT_EQ(
      messages("log: loud\nlisten: {workers: [udp://x], clients: []}\nfee: 20000\nrecovery: 2\n")
          .size(),
      5U);
}

}  // namespace
}  // namespace weft::yaml
