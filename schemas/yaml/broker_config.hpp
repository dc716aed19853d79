// broker.yaml: what an operator can set. Every key has a default, so an empty file is a whole one.
//   weft: 1
//   listen: { clients: ["tcp://127.0.0.1:0"], workers: ["tcp://127.0.0.1:0"] }   # port 0: any free
//   price: 2.40             # base price per unit-hour; a seller's floor above it wins
//   fee: 250                # house fee in basis points
//   operators: [{ name: alice, key: 64 hexadecimal digits }]
//   heartbeat: { period: 1s, silence: 5s }
//   recovery: 60s           # after a start nobody is declared dead for so long
//   log: info
//   fabric: { file: /etc/weft/fabric.yaml, driver: opensm, options: { directory: /etc/opensm },
//             probe: { when: always, expect: 190Gbps, share: 80 } }
// Errors: as problems, never an exception. Thread: any.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/money.hpp"
#include "base/time.hpp"
#include "schemas/yaml/problem.hpp"

namespace weft::yaml {

struct OperatorKey {
  std::string name;
  Principal principal;
  bool operator==(const OperatorKey&) const = default;
};

struct ProbeUse {  // slices are measured before use and after it, where a driver enforces them
  bool always = true;
  std::uint64_t expect_bps = 0;  // what one way between two hosts reaches; 0: what the others do
  std::uint32_t share = 80;      // per cent of that, which every way must reach
  bool operator==(const ProbeUse&) const = default;
};

struct FabricUse {              // what is rented besides nodes
  std::string file;             // its description; empty: every node is one hop from every other
  std::string driver = "none";  // none, linux or opensm: who programs it
  std::vector<std::pair<std::string, std::string>> options;      // of weft-driver
  std::vector<std::pair<std::string, std::string>> environment;  // of weft-driver
  ProbeUse probe;
  bool operator==(const FabricUse&) const = default;
};

struct BrokerConfig {
  std::vector<std::string> listen_clients{"tcp://127.0.0.1:0"};
  std::vector<std::string> listen_workers{"tcp://127.0.0.1:0"};
  Price price;  // base price of the book
  std::uint32_t fee_bps = 0;
  std::vector<OperatorKey> operators;
  Duration heartbeat_period = limits::heartbeat_period;
  Duration heartbeat_silence = limits::heartbeat_silence_max;
  Duration recovery_grace = limits::recovery_grace;
  log::Level log_level = log::Level::info;
  FabricUse fabric;
  bool operator==(const BrokerConfig&) const = default;
};

struct BrokerConfigFile {
  BrokerConfig config;
  std::vector<Problem> problems;
};
BrokerConfigFile read_broker_config(std::string_view text);
std::string print_broker_config(const BrokerConfig& config);

}  // namespace weft::yaml
