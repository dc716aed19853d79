// weft lease: the rights to slices that an account has or had.
#include <fmt/format.h>

#include <array>

#include "client/cli/leases.hpp"
#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {

NodeNames node_names(client::Client& client, const client::CallOptions& options) {
  NodeNames names;
  if (auto nodes = client.get<NodeList>(ListNodes{}, options))
    for (const Node& node : nodes->nodes) names[node.id] = node.name;
  return names;
}

std::string names_of(const std::vector<NodeId>& nodes, const NodeNames& names) {
  std::string out;
  for (const NodeId id : nodes) {
    if (out.size() > 60) return out + fmt::format(" ... ({} nodes)", nodes.size());
    const auto found = names.find(id);
    out += (out.empty() ? "" : " ") +
           (found != names.end() ? found->second : fmt::format("#{}", id.value));
  }
  return out;
}

void print_leases(const LeaseList& list, const NodeNames& names) {
  Table table({">LEASE", "STATE", ">JOB", "ACCOUNT", ">PRICE", ">UNITS", ">TERM", "ACTIVE", "END",
               "NODES"});
  const Instant at = now();
  for (const Lease& lease : list.leases) {
    std::string state(to_string(lease.state));
    if (lease.cause != Cause::none) state += fmt::format(" ({})", to_string(lease.cause));
    const Instant end = lease.closed_at.ms != 0 ? lease.closed_at : lease.ends_at;
    table.row({fmt::format("L{}", lease.id.value), state,
               lease.job ? fmt::format("{}", lease.job.value) : "-", lease.account,
               dollars(lease.price), fmt::format("{}", lease.units), to_string(lease.term),
               ago(lease.active_at, at), ago(end, at), names_of(lease.nodes, names)});
  }
  fmt::print("{}", table.text());
}

namespace {

int answer(const char* verb, client::Client& client, const Common& common,
           const Result<LeaseList>& reply) {
  if (!reply) return refuse(verb, reply.error());
  if (common.json)
    print_json(*reply);
  else
    print_leases(*reply, node_names(client, common.reading()));
  return exit_done;
}

int lease_list(const Arguments& arguments) {
  Flags flags("lease list", "[--all] [flags]",
              "Lists your leases; a seller sees those on its nodes.");
  Common common(Speaks::asks);
  bool all = false;
  flags.flag("-a,--all", all, "also leases that are closed");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto client = connect(common, {"customer", "seller", "operator"});
  if (!client) return refuse("lease list", client.error());
  auto reply = (*client)->get<LeaseList>(ListLeases{}, common.reading());
  if (reply && !all)
    std::erase_if(reply->leases,
                  [](const Lease& lease) { return lease.state == LeaseState::closed; });
  return answer("lease list", **client, common, reply);
}

int lease_show(const Arguments& arguments) {
  Flags flags("lease show", "LEASE [flags]", "Shows one lease.");
  Common common(Speaks::asks);
  LeaseId id;
  flags.argument("LEASE", "id of the lease", take_id(id, 'L'));
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto client = connect(common, {"customer", "seller", "operator"});
  if (!client) return refuse("lease show", client.error());
  auto reply = (*client)->get<LeaseList>(ListLeases{}, common.reading());
  if (!reply) return refuse("lease show", reply.error());
  std::erase_if(reply->leases, [id](const Lease& lease) { return lease.id != id; });
  if (reply->leases.empty())
    return refuse("lease show",
                  {Code::lease_unknown,
                   fmt::format("lease {} is not known; `weft lease list --all`", id.value)});
  if (common.json) {
    print_json(*reply);
    return exit_done;
  }
  print_leases(*reply, node_names(**client, common.reading()));
  const Lease& lease = reply->leases.front();
  fmt::print("  granted {}, active {}, ends {}, closed {}\n", clock_time(lease.granted_at),
             clock_time(lease.active_at), clock_time(lease.ends_at), clock_time(lease.closed_at));
  fmt::print("  escrow {} at the grant, owner {}, {}\n", dollars(lease.escrow), lease.owner,
             lease.notice.ms == 0 ? "firm" : "notice " + to_string(lease.notice));
  return exit_done;
}

int lease_release(const Arguments& arguments) {
  Flags flags("lease release", "LEASE [flags]",
              "Gives the nodes back; the meter stops, unused escrow returns.");
  Common common;
  ReleaseLease request;
  flags.argument("LEASE", "id of the lease", take_id(request.lease, 'L'));
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto client = connect(common, {"customer", "operator"});
  if (!client) return refuse("lease release", client.error());
  return answer("lease release", **client, common,
                (*client)->get<LeaseList>(request, common.mutating()));
}

constexpr std::array lease_verbs{Verb{"list", "list leases", lease_list},
                                 Verb{"show", "one lease", lease_show},
                                 Verb{"release", "give a lease back", lease_release}};

}  // namespace

int verb_lease(const Arguments& arguments) {
  return dispatch("weft lease", lease_verbs, arguments);
}

}  // namespace weft::cli
