#include "schemas/yaml/broker_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bit_rate.hpp"
#include "schemas/yaml/print.hpp"
#include "schemas/yaml/reader.hpp"

namespace weft::yaml {
namespace {

constexpr std::array<std::string_view, 18> config_paths{"weft",
                                                        "listen",
                                                        "listen.clients",
                                                        "listen.workers",
                                                        "price",
                                                        "fee",
                                                        "operators",
                                                        "heartbeat.period",
                                                        "heartbeat.silence",
                                                        "recovery",
                                                        "log",
                                                        "fabric.file",
                                                        "fabric.driver",
                                                        "fabric.options",
                                                        "fabric.environment",
                                                        "fabric.probe.when",
                                                        "fabric.probe.expect",
                                                        "fabric.probe.share"};
constexpr std::array<std::string_view, 3> driver_words{"none", "linux", "opensm"};
constexpr std::array<std::string_view, 2> when_words{"never", "always"};
constexpr std::array<std::string_view, 6> level_words{"trace", "debug", "info",
                                                      "warn",  "error", "off"};
constexpr std::size_t endpoints_max = 16, operators_max = 256;

class ConfigKeys {
 public:
  ConfigKeys(Reader& reader, BrokerConfig& config) : reader_(reader), config_(config) {}

  std::vector<Key> top() {
    return {{"weft", [this](const Node& n, const std::string& k) { version(n, k); }, {}},
            {"listen", [this](const Node& n, const std::string& k) { listen(n, k); }, {}},
            {"price", [this](const Node& n, const std::string& k) { price(n, k); }, {}},
            {"fee", [this](const Node& n, const std::string& k) { fee(n, k); }, {}},
            {"operators", [this](const Node& n, const std::string& k) { operators(n, k); }, {}},
            {"heartbeat", [this](const Node& n, const std::string& k) { heartbeat(n, k); }, {}},
            {"recovery",
             [this](const Node& n, const std::string& k) {
               time(n, k, config_.recovery_grace, {}, hours(1));
             },
             {}},
            {"fabric", [this](const Node& n, const std::string& k) { fabric(n, k); }, {}},
            {"log", [this](const Node& n, const std::string& k) { level(n, k); }, {}}};
  }

 private:
  void version(const Node& node, const std::string& key) {
    if (node.text != "1")
      reader_.problem(node.at, Code::spec_version, key,
                      quoted(node.text) + " is a format that this build does not read; it reads 1");
  }
  void time(const Node& node, const std::string& key, Duration& out, Duration min, Duration max) {
    if (const auto value = reader_.duration(node, key, min, max)) out = *value;
  }
  void listen(const Node& node, const std::string& path) {
    const auto into = [this](std::vector<std::string>& out) {
      return [this, &out](const Node& n, const std::string& k) { endpoints(n, k, out); };
    };
    const std::vector<Key> keys{{"clients", into(config_.listen_clients), {}},
                                {"workers", into(config_.listen_workers), {}}};
    reader_.map(node, path, keys);
  }
  void endpoints(const Node& node, const std::string& key, std::vector<std::string>& out) {
    constexpr std::string_view allowed = "write e.g. [\"tcp://0.0.0.0:4170\"]";
    const auto* items = reader_.list(node, key, endpoints_max, allowed);
    if (!items) return;
    out.clear();
    if (items->empty())
      reader_.problem(node.at, Code::spec_range, key,
                      fmt::format("names no endpoint; {}", allowed));
    for (const Node& item : *items) {
      auto value = reader_.text(item, key, 255, allowed);
      if (!value) continue;
      if (!value->starts_with("tcp://") && !value->starts_with("ipc://"))
        reader_.problem(
            item.at, Code::spec_range, key,
            fmt::format("{} is not an endpoint; {}, or an ipc:// path", quoted(*value), allowed));
      else
        out.push_back(std::move(*value));
    }
  }
  void price(const Node& node, const std::string& key) {
    if (const auto value = reader_.micros(node, key)) config_.price = {*value};
  }
  void fee(const Node& node, const std::string& key) {
    if (const auto value = reader_.integer(node, key, 0, 10'000))
      config_.fee_bps = static_cast<std::uint32_t>(*value);
  }
  void operators(const Node& node, const std::string& path) {
    constexpr std::string_view allowed = "write a list of {name: ..., key: ...}";
    const auto* items = reader_.list(node, path, operators_max, allowed);
    if (!items) return;
    config_.operators.clear();
    for (const Node& item : *items) {
      OperatorKey entry;
      bool named = false, keyed = false;
      const std::vector<Key> keys{
          {"name",
           [&](const Node& n, const std::string& k) {
             if (auto value = reader_.name(n, k)) entry.name = *value;
             named = true;
           },
           {}},
          {"key",
           [&](const Node& n, const std::string& k) {
             if (const auto bytes = reader_.hex(n, k, entry.principal.data.size()))
               std::copy(bytes->begin(), bytes->end(), entry.principal.data.begin());
             keyed = true;
           },
           {}}};
      reader_.map(item, path, keys);
      if (item.kind == Node::Kind::map && !(named && keyed))
        reader_.problem(
            item.at, Code::spec_missing, path,
            fmt::format("an operator lacks its {}; {}", named ? "key" : "name", allowed));
      config_.operators.push_back(std::move(entry));
    }
  }
  void heartbeat(const Node& node, const std::string& path) {
    Place silence_at = node.at;
    const std::vector<Key> keys{
        {"period",
         [this](const Node& n, const std::string& k) {
           time(n, k, config_.heartbeat_period, milliseconds(50), minutes(1));
         },
         {}},
        {"silence",
         [this, &silence_at](const Node& n, const std::string& k) {
           silence_at = n.at;
           time(n, k, config_.heartbeat_silence, milliseconds(150), minutes(10));
         },
         {}}};
    reader_.map(node, path, keys);
    if (config_.heartbeat_silence.ms < 3 * config_.heartbeat_period.ms)
      reader_.problem(
          silence_at, Code::spec_conflict, path + ".silence",
          fmt::format("two lost heartbeats are weather; allowed is at least three periods, {}",
                      weft::to_string(config_.heartbeat_period * 3)));
  }
  void fabric(const Node& node, const std::string& path) {
    constexpr std::size_t value_max = 4'096, pairs_max = 64;
    const auto pairs = [&](std::vector<std::pair<std::string, std::string>>& out) {
      return [this, &out](const Node& n, const std::string& k) {
        if (n.kind != Node::Kind::map || n.entries.size() > pairs_max)
          return reader_.problem(n.at, Code::spec_type, k, "write a map: NAME: value");
        for (const Entry& entry : n.entries)
          if (auto value =
                  reader_.text(entry.value, k + "." + entry.key, value_max, "write a text"))
            out.emplace_back(entry.key, std::move(*value));
      };
    };
    const std::vector<Key> keys{
        {"file",
         [&](const Node& n, const std::string& k) {
           if (auto value = reader_.text(n, k, value_max, "write the path of a fabric file"))
             config_.fabric.file = std::move(*value);
         },
         {}},
        {"driver",
         [&](const Node& n, const std::string& k) {
           if (const auto word = reader_.word(n, k, driver_words))
             config_.fabric.driver = driver_words[*word];
         },
         {}},
        {"options", pairs(config_.fabric.options), {}},
        {"environment", pairs(config_.fabric.environment), {}},
        {"probe", [this](const Node& n, const std::string& k) { probe(n, k); }, {}}};
    reader_.map(node, path, keys);
    if (config_.fabric.file.empty())
      reader_.problem(node.at, Code::spec_missing, path + ".file",
                      "is missing; write the path of a fabric file");
  }
  void probe(const Node& node, const std::string& path) {
    ProbeUse& use = config_.fabric.probe;
    const std::vector<Key> keys{
        {"when",
         [&](const Node& n, const std::string& k) {
           if (const auto word = reader_.word(n, k, when_words)) use.always = *word == 1;
         },
         {}},
        {"expect",
         [&](const Node& n, const std::string& k) {
           const auto text = reader_.text(n, k, 64, "write a rate, e.g. 190Gbps");
           if (!text) return;
           if (const auto rate = parse_bit_rate(*text))
             use.expect_bps = *rate;
           else
             reader_.problem(n.at, rate.error().code, k, rate.error().detail);
         },
         {}},
        {"share",
         [&](const Node& n, const std::string& k) {
           if (const auto value = reader_.integer(n, k, 1, 100))
             use.share = static_cast<std::uint32_t>(*value);
         },
         {}}};
    reader_.map(node, path, keys);
  }
  void level(const Node& node, const std::string& key) {
    if (const auto word = reader_.word(node, key, level_words))
      config_.log_level = static_cast<log::Level>(*word);
  }

  Reader& reader_;
  BrokerConfig& config_;
};

}  // namespace

BrokerConfigFile read_broker_config(std::string_view text) {
  BrokerConfigFile out;
  Document document = parse_document(text);
  Reader reader(std::move(document.problems), config_paths);
  if (reader.clean() && document.root.kind != Node::Kind::null) {
    ConfigKeys keys(reader, out.config);
    reader.map(document.root, "", keys.top());
  }
  out.problems = reader.take_problems();
  return out;
}

namespace {

std::string print_fabric(const FabricUse& fabric) {
  if (fabric.file.empty()) return {};
  std::string out =
      fmt::format("fabric:\n  file: {}\n  driver: {}\n", quote(fabric.file), fabric.driver);
  const auto pairs = [&](std::string_view name, const auto& list) {
    if (!list.empty()) out += fmt::format("  {}:\n", name);
    for (const auto& [key, value] : list) out += fmt::format("    {}: {}\n", key, quote(value));
  };
  pairs("options", fabric.options);
  pairs("environment", fabric.environment);
  const ProbeUse& probe = fabric.probe;
  out += fmt::format("  probe:\n    when: {}\n", when_words[probe.always ? 1 : 0]);
  if (probe.expect_bps != 0) out += "    expect: " + bit_rate_text(probe.expect_bps) + "\n";
  out += fmt::format("    share: {}\n", probe.share);
  return out;
}

}  // namespace

std::string print_broker_config(const BrokerConfig& config) {
  std::string out =
      fmt::format("weft: 1\nlisten:\n  clients: {}\n  workers: {}\nprice: {}\nfee: {}\noperators:",
                  list_of(config.listen_clients), list_of(config.listen_workers),
                  to_string(config.price), config.fee_bps);
  if (config.operators.empty()) out += " []";
  for (const OperatorKey& entry : config.operators)
    out +=
        fmt::format("\n  - {{name: {}, key: \"{}\"}}", quote(entry.name), to_hex(entry.principal));
  return out +
         fmt::format("\nheartbeat:\n  period: {}\n  silence: {}\nrecovery: {}\nlog: {}\n",
                     to_string(config.heartbeat_period), to_string(config.heartbeat_silence),
                     to_string(config.recovery_grace),
                     level_words[static_cast<std::size_t>(config.log_level)]) +
         print_fabric(config.fabric);
}

}  // namespace weft::yaml
