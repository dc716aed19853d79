#include "client/cli/up/bring_up.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/up/network.hpp"
#include "schemas/yaml/broker_config.hpp"

namespace weft::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t hosts_max = 250;
const char* const people[] = {"operator", "seller", "customer"};

Result<void> make_directory(const std::string& path, fs::perms mode) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, mode, error);
  if (error) return fail(Code::state_dir, fmt::format("{}: {}", path, error.message()));
  return {};
}

// Makes the key unless the file is there.
Result<void> ensure_key(const std::string& path, Role role, const std::string& name,
                        const std::string& account) {
  if (access(path.c_str(), F_OK) == 0) {
    auto read = yaml::read_key_file(path);
    if (!read) return tl::make_unexpected(read.error());
    return {};
  }
  const net::CurveKeys keys = net::make_curve_keys();
  yaml::KeyFile file;
  file.entry = {keys.public_key, role, name, account, false};
  file.secret.data = keys.secret.data;
  return yaml::write_key_file(path, file);
}

std::string worker_key(const client::StateDir& state, const UpNode& node) {
  return state.node(node.name) + "/worker.key";
}

// A real OpenSM on a fabric that ibsim simulates, as children of the driver.
void simulate_opensm(const client::StateDir& state, const std::string& tag, yaml::FabricUse& use) {
  use.options = {{"simulate", state.broker() + "/opensm"}, {"tag", tag}};
  use.probe.always = false;  // what is simulated is management: no packet of a rank travels there
}

// Written once: what an operator changes in it stays, but for the sockets.
Result<void> write_configuration(const client::StateDir& state, const UpRecord& record) {
  const std::string path = state.broker() + "/broker.yaml";
  yaml::BrokerConfig config;
  if (std::ifstream in(path); in) {
    std::ostringstream text;
    text << in.rdbuf();
    auto old = yaml::read_broker_config(text.str());
    if (!old.problems.empty()) return tl::make_unexpected(yaml::to_error(old.problems, path));
    config = std::move(old.config);
  }
  config.listen_clients = {"ipc://" + record.run + "/c"};
  config.listen_workers = {"ipc://" + record.run + "/w"};
  const yaml::ProbeUse probe = config.fabric.probe;
  config.fabric = {};
  config.fabric.probe = probe;
  if (!record.fabric.empty()) {
    config.fabric.file = record.fabric;
    config.fabric.driver = record.driver;
    if (record.driver == "linux") config.fabric.options = {{"tag", record.tag}};
    if (record.driver == "opensm") simulate_opensm(state, record.tag, config.fabric);
  }
  std::ofstream out(path, std::ios::trunc);
  out << yaml::print_broker_config(config);
  out.close();
  if (!out) return fail(Code::state_dir, fmt::format("{}: {}", path, std::strerror(errno)));
  return {};
}

}  // namespace

Result<std::vector<UpNode>> plan_nodes(const UpPlan& plan, const UpRecord& record) {
  std::vector<UpNode> nodes;
  const auto plain = [&](std::string name) {
    const auto index = static_cast<std::uint32_t>(nodes.size() + 1);
    if (record.namespaces)
      nodes.push_back({name, node_namespace(record.tag, name), node_address(index)});
    else
      nodes.push_back({name, {}, "127.0.0.1"});
  };
  if (plan.fabric.empty()) {
    for (std::uint32_t i = 1; i <= plan.nodes; ++i) plain(fmt::format("n{}", i));
    return nodes;
  }
  auto driver = sibling_program("weft-driver");
  if (!driver) return tl::make_unexpected(driver.error());
  auto text = run_program({*driver, "hosts", "--fabric", plan.fabric, "--tag", record.tag});
  if (!text) return tl::make_unexpected(text.error());
  std::istringstream lines(*text);
  std::string name, network, address;
  while (lines >> name >> network >> address) {
    if (nodes.size() == hosts_max)
      return fail(Code::usage,
                  fmt::format("{}: more than {} hosts; one machine runs no more workers",
                              plan.fabric, hosts_max));
    if (plan.driver == "linux")
      nodes.push_back({name, network, address});
    else
      plain(name);
  }
  return nodes;
}

Result<void> lay_cables(const UpRecord& record) {
  if (!record.namespaces) return {};
  if (record.driver != "linux") return make_network(record.tag, record.nodes);
  auto driver = sibling_program("weft-driver");
  if (!driver) return tl::make_unexpected(driver.error());
  auto built = run_program({*driver, "build", "--fabric", record.fabric, "--tag", record.tag});
  if (!built) return tl::make_unexpected(built.error());
  return {};
}

Result<void> make_state_dir(const client::StateDir& state) {
  return make_directory(state.root, fs::perms(0711));
}

Result<void> lay_out(const client::StateDir& state, const UpRecord& record) {
  constexpr fs::perms open_to_pass = fs::perms(0711), own = fs::perms(0700);
  for (const auto& [path, mode] :
       {std::pair(state.root, open_to_pass), std::pair(state.broker(), own),
        std::pair(state.keys(), own), std::pair(state.root + "/nodes", open_to_pass),
        std::pair(record.jobs, open_to_pass), std::pair(record.run, fs::perms(0755))})
    if (auto made = make_directory(path, mode); !made) return made;
  for (const char* name : people) {
    const Role role = *name == 'o' ? Role::operator_ : *name == 's' ? Role::seller : Role::customer;
    if (auto made = ensure_key(state.key(name), role, name, *name == 'o' ? "house" : name); !made)
      return made;
  }
  for (const UpNode& node : record.nodes) {
    if (auto made = make_directory(state.node(node.name), open_to_pass); !made) return made;
    if (auto made = ensure_key(worker_key(state, node), Role::worker, node.name, "seller"); !made)
      return made;
  }
  return write_configuration(state, record);
}

Result<std::unique_ptr<client::Client>> await_broker(const client::StateDir& state,
                                                     const Process& supervisor, Duration patience) {
  auto key = yaml::read_key_file(state.key("operator"));
  if (!key) return tl::make_unexpected(key.error());
  const Instant until = now() + patience;
  Error last{Code::timeout, "the broker did not come up"};
  while (now() < until) {
    auto client = client::Client::open({.connection_file = state.connection(), .connection = {}},
                                       curve_keys(*key));
    if (client) {
      auto info = (*client)->get<Info>(Hello{}, {.key = {}, .timeout = until - now()});
      if (info) return std::move(*client);
      last = info.error();
    }
    if (wait_gone(supervisor, milliseconds(5)))
      return fail(Code::broker_unreachable,
                  "the broker does not start:\n" + tail_of(state.broker() + "/broker.err", 8));
  }
  return fail(last.code,
              fmt::format("{}\n{}", last.detail, tail_of(state.broker() + "/broker.err", 8)));
}

Result<void> enroll(client::Client& client, const client::StateDir& state, const UpRecord& record) {
  auto known = client.get<KeyList>(ListKeys{});
  if (!known) return tl::make_unexpected(known.error());
  std::set<Principal> enrolled;
  for (const KeyEntry& entry : known->keys)
    if (!entry.revoked) enrolled.insert(entry.principal);
  std::vector<std::string> files{state.key("seller"), state.key("customer")};
  for (const UpNode& node : record.nodes) files.push_back(worker_key(state, node));
  for (const std::string& file : files) {
    auto key = yaml::read_key_file(file);
    if (!key) return tl::make_unexpected(key.error());
    if (enrolled.contains(key->entry.principal)) continue;
    if (auto done = client.call(EnrollKey{key->entry}); !done)
      return fail(done.error().code, fmt::format("{}: {}", file, done.error().detail));
  }
  return {};
}

Result<void> deposit(client::Client& client, Money amount) {
  auto list = client.get<AccountList>(ListAccounts{});
  if (!list) return tl::make_unexpected(list.error());
  for (const Account& account : list->accounts)
    if (account.name == "customer" && (account.cash.micros != 0 || account.escrow.micros != 0))
      return {};
  if (amount.micros == 0) return {};
  auto done = client.call(Deposit{"customer", amount});
  if (!done) return tl::make_unexpected(done.error());
  return {};
}

Result<std::vector<Node>> await_nodes(client::Client& client, const UpRecord& record,
                                      const NodeList& before, Duration patience) {
  const Instant until = now() + patience;
  std::map<std::string, Incarnation> old;
  for (const Node& node : before.nodes) old[node.name] = node.incarnation;
  Seq seen;
  for (;;) {
    auto list = client.get<NodeList>(ListNodes{});
    if (!list) return tl::make_unexpected(list.error());
    std::vector<Node> up;
    std::string missing;
    for (const auto& [name, network, address] : record.nodes) {
      const auto found =
          std::find_if(list->nodes.begin(), list->nodes.end(), [&](const Node& node) {
            return node.name == name && node.state == NodeState::up &&
                   node.incarnation != old[name];
          });
      if (found != list->nodes.end())
        up.push_back(*found);
      else
        missing += " " + name;
    }
    if (missing.empty()) return up;
    if (now() > until)
      return fail(Code::timeout, fmt::format("not up after {}:{}", to_string(patience), missing));
    auto events = client.get<Events>(ReadEvents{seen, {}, 1'000, seconds(1)});
    if (events) seen = events->last;
  }
}

namespace {

// Live offers; those on other terms than given are withdrawn first.
Result<std::vector<Offer>> standing_offers(client::Client& seller, const UpPlan& plan) {
  auto list = seller.get<OfferList>(ListOffers{});
  if (!list) return tl::make_unexpected(list.error());
  std::vector<Offer> live;
  for (const Offer& offer : list->offers) {
    if (offer.state == OfferState::closing || offer.state == OfferState::closed) continue;
    if (!plan.terms_given || (offer.floor == plan.price && offer.notice == plan.notice)) {
      live.push_back(offer);
      continue;
    }
    if (auto gone = seller.call(WithdrawOffer{offer.id}); !gone)
      return tl::make_unexpected(gone.error());
  }
  return live;
}

}  // namespace

Result<std::vector<Offer>> put_offer(const client::StateDir& state, const std::vector<Node>& nodes,
                                     const UpPlan& plan) {
  auto key = yaml::read_key_file(state.key("seller"));
  if (!key) return tl::make_unexpected(key.error());
  auto client = client::Client::open({.connection_file = state.connection(), .connection = {}},
                                     curve_keys(*key));
  if (!client) return tl::make_unexpected(client.error());
  auto live = standing_offers(**client, plan);
  if (!live) return live;
  std::set<NodeId> offered;
  for (const Offer& offer : *live) offered.insert(offer.nodes.begin(), offer.nodes.end());
  PutOffer request;
  for (const Node& node : nodes)
    if (!offered.contains(node.id)) request.nodes.push_back(node.name);
  if (request.nodes.empty()) return live;
  request.floor = plan.price;
  request.notice = plan.notice;
  auto put = (*client)->get<OfferList>(request);
  if (!put) return tl::make_unexpected(put.error());
  live->insert(live->end(), put->offers.begin(), put->offers.end());
  return live;
}

std::string tail_of(const std::string& path, std::size_t lines) {
  std::ifstream in(path);
  std::vector<std::string> kept;
  for (std::string line; std::getline(in, line);) {
    kept.push_back("  | " + line);
    if (kept.size() > lines) kept.erase(kept.begin());
  }
  std::string out;
  for (const std::string& line : kept) out += line + "\n";
  if (!out.empty()) out.pop_back();
  return out;
}

}  // namespace weft::cli
