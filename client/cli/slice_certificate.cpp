// weft slice certificate: what a customer has been given, as read back and as measured.
#include <fmt/format.h>

#include <map>

#include "base/bit_rate.hpp"
#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/slice_text.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {
namespace {

constexpr std::size_t matrix_nodes_max = 12, slowest_shown = 8;

std::string rate(std::uint64_t bps) { return bps == 0 ? "nothing" : bit_rate_rounded(bps); }
std::string micros(std::uint64_t ns) {
  return ns == 0 ? "-" : fmt::format("{:.1f} us", static_cast<double>(ns) / 1e3);
}

// From rows to columns.
void print_matrix(const Certificate& c, const std::vector<std::string>& nodes) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> of;
  for (const PairMeasure& m : c.slowest) of[{m.from, m.to}] = m.bandwidth_bps;
  std::vector<std::string> headings{"  FROM \\ TO"};
  for (const std::string& node : nodes) headings.push_back(">" + node);
  Table table(std::move(headings));
  for (std::uint32_t from = 0; from < nodes.size(); ++from) {
    std::vector<std::string> row{"  " + nodes[from]};
    for (std::uint32_t to = 0; to < nodes.size(); ++to)
      row.push_back(of.contains({from, to}) ? rate(of[{from, to}]) : ".");
    table.row(std::move(row));
  }
  fmt::print("{}", table.text());
}

void print_ways(const Certificate& c, const std::vector<std::string>& nodes, std::size_t most) {
  const auto name = [&](std::uint32_t i) {
    return i < nodes.size() ? nodes[i] : std::to_string(i);
  };
  Table table({"  FROM", "TO", ">BANDWIDTH", ">LATENCY"});
  for (const PairMeasure& m : c.slowest) {
    if (most-- == 0) break;
    table.row({"  " + name(m.from), name(m.to), rate(m.bandwidth_bps), micros(m.latency_ns)});
  }
  fmt::print("{}", table.text());
}

void print(const Certificate& c, const std::vector<std::string>& nodes, bool all) {
  fmt::print("  {} {}, in {}: ", c.at_return ? "at return " : "measured  ", clock_time(c.at),
             took(c.took));
  if (!c.measured) return fmt::print("{}\n", c.text);
  fmt::print("{}\n", c.passed ? "passed" : painted("FAILED", Colour::red) + ": " + c.text);
  fmt::print("    ways       {}, one way each; {} needed on every one\n", c.pairs,
             c.bandwidth_needed_bps == 0 ? "any" : rate(c.bandwidth_needed_bps));
  fmt::print("    bandwidth  {} least, {} median, {} most\n", rate(c.bandwidth_bps.least),
             rate(c.bandwidth_bps.median), rate(c.bandwidth_bps.most));
  fmt::print("    latency    {} least, {} median, {} most (half a round trip)\n",
             micros(c.latency_ns.least), micros(c.latency_ns.median), micros(c.latency_ns.most));
  if (all) return print_ways(c, nodes, c.slowest.size());
  const bool whole = c.slowest.size() == nodes.size() * (nodes.size() - 1);
  if (whole && nodes.size() <= matrix_nodes_max) return print_matrix(c, nodes);
  print_ways(c, nodes, slowest_shown);
  if (c.slowest.size() > slowest_shown)
    fmt::print("  the slowest; --all for {}\n", c.slowest.size());
}

void print(const Certificates& reply, bool all) {
  const SliceLine& line = reply.slice;
  const SliceSize n = size_of(line.slice.links);
  fmt::print("certificate of slice s{} (lease L{}, account {}): {}\n", line.lease.value,
             line.lease.value, line.account, to_string(line.slice.state));
  fmt::print("  nodes      {} ({})\n", n.hosts, joined(line.nodes));
  fmt::print("  shape      {}: rearrangeably non-blocking on links of its own\n",
             shape_of(line.slice));
  fmt::print("  links      {} between leaves and L2 switches, {} to spines; in no other slice\n",
             n.leaf_links, n.spine_links);
  fmt::print("  key        {}\n", key_of(line.slice));
  fmt::print("  driver     {}{}\n", reply.driver,
             reply.link_rate_bps == 0 ? "" : ", links of " + bit_rate_text(reply.link_rate_bps));
  fmt::print("  {} {}\n             {}\n", to_string(line.slice.state), clock_time(line.slice.at),
             line.slice.text);
  for (const Certificate& c : reply.certificates) print(c, line.nodes, all);
  if (reply.certificates.empty())
    fmt::print("  measured   no: {}\n",
               line.nodes.size() < 2
                   ? "one node, no link between nodes"
                   : "this broker probes no slices (fabric.probe in broker.yaml)");
}

}  // namespace

int slice_certificate(const Arguments& arguments) {
  Flags flags(
      "slice certificate", "SLICE [flags]",
      "What was read back from the fabric and measured between the nodes, when the slice was\n"
      "handed over and when it came back. Only of slices that a driver enforces; also of leases\n"
      "that are over. 5: it did not pass.");
  Common common(Speaks::asks);
  LeaseId id;
  bool all = false;
  take_slice(flags, id);
  flags.flag("--all", all, "every way that was kept, slowest first");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto client = connect(common, {"customer", "seller", "operator"});
  if (!client) return refuse("slice certificate", client.error());
  const auto reply = (*client)->get<Certificates>(ReadCertificates{id}, common.reading());
  if (!reply) return refuse("slice certificate", reply.error());
  const Slice& slice = reply->slice.slice;
  const bool delivered = slice.state == SliceState::ready || slice.state == SliceState::degraded;
  if (!slice.enforced || (reply->certificates.empty() && !delivered))
    return refuse("slice certificate",
                  {Code::state_illegal,
                   fmt::format("slice s{} is {}, {}: nothing is certified of it", id.value,
                               to_string(slice.state),
                               slice.enforced ? slice.text : "and its isolation only recorded")});
  if (common.json)
    print_json(*reply);
  else
    print(*reply, all);
  for (const Certificate& c : reply->certificates)
    if (c.measured && !c.passed) return exit_verify;
  return exit_done;
}

}  // namespace weft::cli
