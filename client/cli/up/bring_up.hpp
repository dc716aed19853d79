// The steps of `weft up` that make an embedded fleet usable: keys, the broker's configuration,
// enrolment, money, nodes, offer. Every step looks first at what is there, so a second `weft up` on
// the same state directory changes nothing. Thread: one.
#pragma once
#include "client/cli/up/record.hpp"
#include "client/client.hpp"

namespace weft::cli {

struct UpPlan {
  std::uint32_t nodes = 4;
  std::string fabric, driver;  // absolute path of a fabric file, and none, linux or opensm
  Price price;
  Money deposit;
  Duration notice;           // of the offer; 0: firm leases only
  bool terms_given = false;  // price or notice: they replace those of an earlier offer
  Duration patience;         // for the whole start
};

// The nodes of the plan, on whatever network they will have; with a fabric, its hosts.
Result<std::vector<UpNode>> plan_nodes(const UpPlan& plan, const UpRecord& record);
// Namespaces and cables for them.
Result<void> lay_cables(const UpRecord& record);
// The state directory itself.
Result<void> make_state_dir(const client::StateDir& state);
// Folders and keys that are missing; the configuration of the broker.
Result<void> lay_out(const client::StateDir& state, const UpRecord& record);

// Waits until the broker answers the operator; fails early when `supervisor` ends.
Result<std::unique_ptr<client::Client>> await_broker(const client::StateDir& state,
                                                     const Process& supervisor, Duration patience);
Result<void> enroll(client::Client& client, const client::StateDir& state, const UpRecord& record);
Result<void> deposit(client::Client& client, Money amount);
// Until all of the record's nodes are up, with other worker processes than `before` (the journal
// may still call those of an earlier start up).
Result<std::vector<Node>> await_nodes(client::Client& client, const UpRecord& record,
                                      const NodeList& before, Duration patience);
// For those nodes that no live offer holds; offers on other terms than those given are replaced.
Result<std::vector<Offer>> put_offer(const client::StateDir& state, const std::vector<Node>& nodes,
                                     const UpPlan& plan);

// The last lines of a log, for an error message.
std::string tail_of(const std::string& path, std::size_t lines);

}  // namespace weft::cli
