// Double-entry ledger: every transaction's legs sum to zero, so all accounts together always do.
// Cash and escrow are never negative; what an owner has earned may be.
// The functions that build transactions are pure; Ledger changes only by apply(Posted).
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/market/meter.hpp"
#include "schemas/journal.hpp"

namespace weft::broker::market {

inline const std::string world = "world", house_fees = "house:fees",
                         house_credits = "house:credits";
std::string cash_of(const std::string& account);
std::string escrow_of(const std::string& account);
std::string earned_of(const std::string& account);

class Ledger {
 public:
  Money balance(const std::string& account) const;
  void apply(const Posted& posted);
  void restore(const std::vector<Balance>& balances);
  std::vector<Balance> balances() const;
  std::vector<Account> accounts() const;  // folded: cash, escrow, earned of each name
  std::string broken() const;             // the first broken promise, in words; else empty

 private:
  std::map<std::string, Money> balances_;
};

// Transactions without id; nothing where there is nothing to post.
Posted deposit(const std::string& account, Money amount, Instant at);
std::optional<Posted> escrow(const Lease& lease, Instant at);
std::optional<Posted> escrow_return(const Lease& lease, Money gross, Instant at);
std::optional<Posted> metered(const Lease& lease, const Amounts& before, const Amounts& now,
                              Instant at);
// What a meter transaction changed, read back from its legs: replay needs nothing else.
Amounts difference_of(const Posted& posted);

}  // namespace weft::broker::market
