#include "broker/market/ledger.hpp"

#include <fmt/format.h>

#include "base/assert.hpp"

namespace weft::broker::market {

std::string cash_of(const std::string& account) { return "customer:" + account + ":cash"; }
std::string escrow_of(const std::string& account) { return "customer:" + account + ":escrow"; }
std::string earned_of(const std::string& account) { return "owner:" + account + ":earned"; }

Money Ledger::balance(const std::string& account) const {
  const auto it = balances_.find(account);
  return it == balances_.end() ? Money{} : it->second;
}

void Ledger::apply(const Posted& posted) {
  Money sum;
  for (const Leg& leg : posted.legs) {
    sum = sum + leg.amount;
    Money& balance = balances_[leg.account];
    balance = balance + leg.amount;
  }
  WEFT_ASSERT(sum.micros == 0, fmt::format("posting {} sums to {}", posted.id.value, sum.micros));
}

void Ledger::restore(const std::vector<Balance>& balances) {
  balances_.clear();
  for (const Balance& b : balances) balances_[b.account] = b.amount;
}
std::vector<Balance> Ledger::balances() const {
  std::vector<Balance> out;
  for (const auto& [account, amount] : balances_) out.push_back({account, amount});
  return out;
}

std::vector<Account> Ledger::accounts() const {
  std::map<std::string, Account> folded;
  for (const auto& [account, amount] : balances_) {
    const auto first = account.find(':'), last = account.rfind(':');
    if (first == std::string::npos || first == last) continue;  // world and the house
    const std::string name = account.substr(first + 1, last - first - 1);
    Account& a = folded[name];
    a.name = name;
    const std::string kind = account.substr(last + 1);
    if (kind == "cash") a.cash = amount;
    if (kind == "escrow") a.escrow = amount;
    if (kind == "earned") a.earned = amount;
  }
  std::vector<Account> out;
  for (auto& [name, account] : folded) out.push_back(std::move(account));
  return out;
}

std::string Ledger::broken() const {
  Int128 sum = 0;
  for (const auto& [account, amount] : balances_) {
    sum += amount.micros;
    if (account.starts_with("customer:") && amount.micros < 0)
      return fmt::format("{} is negative: {}", account, to_string(amount));
  }
  if (sum != 0) return "the ledger does not sum to zero";
  return {};
}

Posted deposit(const std::string& account, Money amount, Instant at) {
  return {{},       PostingKind::deposit, {}, at, {{world, -amount}, {cash_of(account), amount}},
          "deposit"};
}

std::optional<Posted> escrow(const Lease& lease, Instant at) {
  if (lease.escrow.micros == 0) return {};
  return Posted{{},
                PostingKind::escrow,
                lease.id,
                at,
                {{cash_of(lease.account), -lease.escrow}, {escrow_of(lease.account), lease.escrow}},
                fmt::format("lease {}: the whole term, set aside", lease.id.value)};
}

std::optional<Posted> escrow_return(const Lease& lease, Money gross, Instant at) {
  const Money rest = lease.escrow - gross;
  if (rest.micros == 0) return {};
  return Posted{{},
                PostingKind::escrow_return,
                lease.id,
                at,
                {{escrow_of(lease.account), -rest}, {cash_of(lease.account), rest}},
                fmt::format("lease {}: not used", lease.id.value)};
}

std::optional<Posted> metered(const Lease& lease, const Amounts& before, const Amounts& now,
                              Instant at) {
  const Money gross = now.gross - before.gross, fee = now.fee - before.fee;
  const Money by_owner = now.credit_owner - before.credit_owner;
  const Money by_house = now.credit_house - before.credit_house;
  Posted p{{}, PostingKind::meter, lease.id, at, {}, fmt::format("lease {}", lease.id.value)};
  const auto leg = [&p](std::string account, Money amount) {
    if (amount.micros != 0) p.legs.push_back({std::move(account), amount});
  };
  leg(escrow_of(lease.account), -gross);
  leg(cash_of(lease.account), by_owner + by_house);
  leg(earned_of(lease.owner), gross - by_owner - fee);
  leg(house_fees, fee);
  leg(house_credits, -by_house);
  if (p.legs.empty()) return {};
  return p;
}

Amounts difference_of(const Posted& posted) {
  Amounts d;
  Money credits;
  for (const Leg& leg : posted.legs) {
    if (leg.account == house_fees)
      d.fee = leg.amount;
    else if (leg.account == house_credits)
      d.credit_house = -leg.amount;
    else if (leg.account.ends_with(":escrow"))
      d.gross = -leg.amount;
    else if (leg.account.ends_with(":cash"))
      credits = leg.amount;
  }
  d.credit_owner = credits - d.credit_house;
  return d;
}

}  // namespace weft::broker::market
