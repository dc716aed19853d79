// What the broker states against what was recomputed.
#include <algorithm>

#include "client/verify/state.hpp"

namespace weft::client {
namespace {

using Pieces = std::vector<std::tuple<NodeId, Instant, Instant, MeterClass, std::uint32_t>>;

// Neighbours of the same kind are one piece, however they were cut.
Pieces merged(Pieces pieces) {
  std::sort(pieces.begin(), pieces.end());
  Pieces out;
  for (const auto& piece : pieces) {
    const auto& [node, from, to, meter, units] = piece;
    if (!out.empty()) {
      auto& [last_node, last_from, last_to, last_meter, last_units] = out.back();
      if (last_node == node && last_to == from && last_meter == meter && last_units == units) {
        last_to = to;
        continue;
      }
    }
    out.push_back(piece);
  }
  return out;
}

Pieces recomputed(const VerifiedLease& lease) {
  Pieces pieces;
  for (const MeteredSpan& span : lease.spans)
    pieces.emplace_back(span.node, span.from, span.to, span.meter, span.units);
  return merged(std::move(pieces));
}

// `open` segments end at the moment of the bill and are in no record yet.
Pieces stated(const LeaseBill& bill, Instant at) {
  Pieces pieces;
  const bool closed = bill.lease.state == LeaseState::closed;
  for (const Segment& s : bill.segments)
    if (closed || s.to != at) pieces.emplace_back(s.node, s.from, s.to, s.meter, s.units);
  return merged(std::move(pieces));
}

}  // namespace

void Verifier::compare(const Bill& bill) {
  State& s = *state_;
  s.at_seq = {};
  for (const LeaseBill& one : bill.leases) {
    const auto found = s.report.leases.find(one.lease.id);
    if (found == s.report.leases.end()) {
      s.problem(fmt::format("lease {} is billed, but is not in the journal", one.lease.id.value));
      continue;
    }
    const VerifiedLease& mine = found->second;
    const Money credits = mine.credit_owner + mine.credit_house;
    // A live lease may have been posted again between journal and bill.
    if (one.lease.state != LeaseState::closed && one.postings.size() != mine.postings) continue;
    if (one.gross != mine.gross || one.credits != credits || one.net != mine.gross - credits ||
        one.fee != mine.fee)
      s.problem(
          fmt::format("lease {}: billed gross {} credits {} net {} fee {}; recomputed {} {} {} {}",
                      one.lease.id.value, to_string(one.gross), to_string(one.credits),
                      to_string(one.net), to_string(one.fee), to_string(mine.gross),
                      to_string(credits), to_string(mine.gross - credits), to_string(mine.fee)));
    if (one.lease.price != mine.lease.price || one.lease.units != mine.lease.units)
      s.problem(fmt::format("lease {}: billed {} units at {}; granted {} at {}", one.lease.id.value,
                            one.lease.units, to_string(one.lease.price), mine.lease.units,
                            to_string(mine.lease.price)));
    if (one.lease.state == LeaseState::closed && stated(one, bill.at) != recomputed(mine))
      s.problem(fmt::format("lease {}: the segments of the bill are not those of the journal",
                            one.lease.id.value));
  }
}

void Verifier::compare(const AccountList& accounts) {
  State& s = *state_;
  s.at_seq = {};
  const auto balance = [&s](const std::string& account) {
    const auto found = s.report.balances.find(account);
    return found == s.report.balances.end() ? Money{} : found->second;
  };
  for (const Account& a : accounts.accounts) {
    const std::string names[] = {"customer:" + a.name + ":cash", "customer:" + a.name + ":escrow",
                                 "owner:" + a.name + ":earned"};
    const Money stated_amounts[] = {a.cash, a.escrow, a.earned};
    for (int i = 0; i < 3; ++i)
      if (stated_amounts[i] != balance(names[i]))
        s.problem(fmt::format("{} is {} for the broker; its postings come to {}", names[i],
                              to_string(stated_amounts[i]), to_string(balance(names[i]))));
  }
}

}  // namespace weft::client
