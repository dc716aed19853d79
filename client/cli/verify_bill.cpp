#include "client/cli/verify_bill.hpp"

#include <fmt/format.h>

#include "client/cli/output.hpp"
#include "client/verify/verifier.hpp"

namespace weft::cli {
namespace {

using client::Report;
using client::Verifier;

Result<void> read_journal(client::Client& client, const client::CallOptions& options, LeaseId lease,
                          Verifier& verifier) {
  ReadJournal request;
  request.from = {1};
  request.lease = lease;
  for (;;) {
    auto chunk = client.get<JournalChunk>(request, options);
    if (!chunk) return tl::make_unexpected(chunk.error());
    for (const StoredRecord& record : chunk->records) verifier.add(record);
    if (chunk->end || chunk->next <= request.from) return {};
    request.from = chunk->next;
  }
}

// unit-ms as unit-hours with three decimals, without floating point.
std::string hours_text(Int128 unit_ms) {
  const auto thousandths = static_cast<std::int64_t>(unit_ms / 3'600);
  return fmt::format("{}.{:03}", thousandths / 1'000, thousandths % 1'000);
}

void print_findings(const Report& report) {
  for (const client::Finding& finding : report.findings)
    fmt::print(stderr, "{}{}\n",
               finding.seq ? fmt::format("record {}: ", finding.seq.value) : std::string(),
               finding.what);
  if (report.findings_total > report.findings.size())
    fmt::print(stderr, "... and {} more\n", report.findings_total - report.findings.size());
}

void print(const Report& report, bool whole) {
  Money gross, credits, fee;
  for (const auto& [id, lease] : report.leases) {
    gross = gross + lease.gross;
    credits = credits + lease.credit_owner + lease.credit_house;
    fee = fee + lease.fee;
  }
  if (whole) {
    fmt::print("journal    {} records, chain whole to record {} ({}...)\n", report.records,
               report.last.value, to_hex(report.head).substr(0, 16));
    fmt::print(
        "time       {} nodes: billed {} + idle {} + owner {} + credited {} = capacity {} "
        "unit-hours\n",
        report.nodes, hours_text(report.billed), hours_text(report.idle), hours_text(report.owner),
        hours_text(report.credited), hours_text(report.capacity));
  } else {
    fmt::print("journal    {} records of {} leases\n", report.records, report.leases.size());
  }
  fmt::print("leases     {}: {} segments without gap or overlap\n", report.leases.size(),
             report.spans);
  fmt::print("postings   {}, each sums to zero\n", report.postings);
  fmt::print("amounts    gross {} - credits {} = net {}, of it fee {}\n", dollars(gross),
             dollars(credits), dollars(gross - credits), dollars(fee));
}

int result(const Common& common, const Report& report, bool whole) {
  if (common.json) {
    Money net;
    for (const auto& [id, lease] : report.leases)
      net = net + lease.gross - lease.credit_owner - lease.credit_house;
    print_json({{"verified", report.sound() ? "yes" : "no"},
                {"records", std::to_string(report.records)},
                {"leases", std::to_string(report.leases.size())},
                {"segments", std::to_string(report.spans)},
                {"postings", std::to_string(report.postings)},
                {"net_micros", std::to_string(net.micros)},
                {"findings", std::to_string(report.findings_total)},
                {"first_finding", report.findings.empty() ? "" : report.findings.front().what}});
  } else if (report.sound()) {
    print(report, whole);
    fmt::print("{} every amount was recomputed from the journal and agrees to the micro-dollar\n",
               painted("verified:", Colour::green));
  }
  if (report.sound()) return exit_done;
  print_findings(report);
  return refuse("bill",
                {whole && report.findings.front().seq ? Code::journal_corrupt : Code::bill_mismatch,
                 fmt::format("{} findings, the first: {}", report.findings_total,
                             report.findings.front().what)});
}

// Everything, as operator: chain, time of every node, every posting, balances.
int verify_whole(client::Client& client, const Common& common) {
  Verifier verifier(Verifier::Scope::whole);
  auto accounts = client.get<AccountList>(ListAccounts{}, common.reading());
  auto info = client.get<Info>(Hello{}, common.reading());
  if (!accounts) return refuse("bill", accounts.error());
  if (!info) return refuse("bill", info.error());
  if (auto read = read_journal(client, common.reading(), {}, verifier); !read)
    return refuse("bill", read.error());
  const Report& report = verifier.finish();
  auto again = client.get<AccountList>(ListAccounts{}, common.reading());
  // Balances are compared when none moved while the journal was read.
  if (again && *again == *accounts) verifier.compare(*again);
  return result(common, report, true);
}

// The leases of a bill, from the records that its customer may read.
int verify_leases(client::Client& client, const Common& common, const Bill& bill) {
  Report all;
  for (const LeaseBill& one : bill.leases) {
    Verifier verifier(Verifier::Scope::lease);
    for (const Segment& segment : one.segments) verifier.assume_units(segment.node, segment.units);
    if (auto read = read_journal(client, common.reading(), one.lease.id, verifier); !read)
      return refuse("bill", read.error());
    const Report& part = verifier.finish();
    verifier.compare(Bill{bill.account, bill.at, {one}, one.net, false});
    all.records += part.records;
    all.facts += part.facts;
    all.spans += part.spans;
    all.postings += part.postings;
    all.findings_total += part.findings_total;
    all.findings.insert(all.findings.end(), part.findings.begin(), part.findings.end());
    for (const auto& [id, lease] : part.leases) all.leases[id] = lease;
  }
  return result(common, all, false);
}

}  // namespace

int verify_bill(client::Client& client, const Common& common, const AskBill& what) {
  auto info = client.get<Info>(Hello{}, common.reading());
  if (!info) return refuse("bill", info.error());
  if (info->role == Role::operator_ && !what.job && !what.lease)
    return verify_whole(client, common);
  auto bill = client.get<Bill>(what, common.reading());
  if (!bill) return refuse("bill", bill.error());
  if (bill->cut)
    return refuse("bill",
                  {Code::wire_limit,
                   "too many leases for one answer; verify them with --lease, or all as operator"});
  return verify_leases(client, common, *bill);
}

}  // namespace weft::cli
