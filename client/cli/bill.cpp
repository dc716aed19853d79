// weft bill: what was used and what it costs; --verify recomputes it from the journal.
#include <fmt/format.h>
#include <unistd.h>

#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"
#include "client/cli/verify_bill.hpp"

namespace weft::cli {
namespace {

std::string span_text(Instant from, Instant to) {
  return fmt::format("{} - {}", clock_time(from), clock_time(to));
}

void print_segments(const LeaseBill& bill) {
  Table table({"  NODE", "CLASS", "FROM - TO", ">TIME", ">UNITS", "CAUSE"});
  for (const Segment& segment : bill.segments)
    table.row({"  " + segment.node_name, std::string(to_string(segment.meter)),
               span_text(segment.from, segment.to), took(segment.to - segment.from),
               fmt::format("{}", segment.units),
               segment.cause == Cause::none ? "" : std::string(to_string(segment.cause))});
  fmt::print("{}", table.text());
}

void print_postings(const LeaseBill& bill) {
  Table table({"  POSTING", "AT", "KIND", "LEGS"});
  for (const Posted& posted : bill.postings) {
    std::string legs;
    for (const Leg& leg : posted.legs)
      legs += fmt::format("{}{} {}", legs.empty() ? "" : ", ", leg.account, dollars(leg.amount));
    table.row({fmt::format("  P{}", posted.id.value), clock_time(posted.at),
               std::string(to_string(posted.kind)), legs});
  }
  fmt::print("{}", table.text());
}

std::string labels_of(const LeaseBill& one) {
  std::string out;
  for (const KeyValue& label : one.labels)
    out += fmt::format("{}{}={}", out.empty() ? "" : ", ", label.name, label.value);
  return out;
}

void print(const Bill& bill, bool details) {
  for (const LeaseBill& one : bill.leases) {
    const Lease& lease = one.lease;
    fmt::print("{}  {} units at {} a unit-hour{}, {}\n",
               painted(fmt::format("lease L{}", lease.id.value), Colour::bold), lease.units,
               dollars(lease.price), lease.job ? fmt::format(", job {}", lease.job.value) : "",
               to_string(lease.state));
    if (!one.labels.empty()) fmt::print("  labels {}\n", labels_of(one));
    if (details) {
      print_segments(one);
      print_postings(one);
    }
    fmt::print("  gross {}  credits {}  net {}{}\n", dollars(one.gross), dollars(one.credits),
               painted(dollars(one.net), Colour::bold),
               one.fee.micros != 0 ? fmt::format("  (of it fee {})", dollars(one.fee)) : "");
  }
  if (bill.cut) fmt::print("... too many leases for one answer; --lease shows a single one\n");
  fmt::print("{} account {}: {} for {}\n", painted("total", Colour::bold), bill.account,
             dollars(bill.total), counted(bill.leases.size(), "lease"));
}

}  // namespace

int verb_bill(const Arguments& arguments) {
  Flags flags(
      "bill", "[--job JOB | --lease LEASE] [--verify] [flags]",
      "Prints what an account, a job or a lease used and what that costs. --verify reads the "
      "journal\n"
      "and recomputes everything without the broker's help: as operator the whole journal with "
      "its\n"
      "hash chain, as customer the records of the leases billed. Exit code 5: something is wrong.");
  Common common(Speaks::asks);
  AskBill request;
  bool verify = false, brief = false;
  flags.option("-j,--job", "JOB", "of this job", take_id(request.job));
  flags.option("-l,--lease", "LEASE", "of this lease", take_id(request.lease, 'L'));
  flags.flag("--verify", verify, "recompute it from the journal");
  flags.flag("-q,--brief", brief, "amounts only, no segments and postings");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  if (request.job && request.lease)
    return refuse("bill", {Code::usage, "--lease: give either --job or --lease"});
  const bool all = !request.job && !request.lease;
  if (verify) {
    auto client = connect(common, all ? std::vector<std::string>{"operator", "customer"}
                                      : std::vector<std::string>{"customer", "operator"});
    if (!client) return refuse("bill", client.error());
    return verify_bill(**client, common, request);
  }
  auto client = connect(common, {"customer", "seller", "operator"});
  if (!client) return refuse("bill", client.error());
  auto reply = (*client)->get<Bill>(request, common.reading());
  if (!reply) return refuse("bill", reply.error());
  if (common.json)
    print_json(*reply);
  else
    print(*reply, !brief && (!all || reply->leases.size() <= 3));
  return exit_done;
}

}  // namespace weft::cli
