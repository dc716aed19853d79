// weft account: money in the broker's ledger.
#include <fmt/format.h>

#include <array>

#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {
namespace {

void print(const AccountList& list) {
  Table table({"ACCOUNT", ">CASH", ">IN ESCROW", ">EARNED"});
  for (const Account& account : list.accounts)
    table.row(
        {account.name, dollars(account.cash), dollars(account.escrow), dollars(account.earned)});
  fmt::print("{}", table.text());
}

int account_list(const Arguments& arguments) {
  Flags flags("account list", "[flags]",
              "Lists balances: cash, what is set aside for leases, what was earned.");
  Common common(Speaks::asks);
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto client = connect(common, {"operator", "customer", "seller"});
  if (!client) return refuse("account list", client.error());
  auto reply = (*client)->get<AccountList>(ListAccounts{}, common.reading());
  if (!reply) return refuse("account list", reply.error());
  if (common.json)
    print_json(*reply);
  else
    print(*reply);
  return exit_done;
}

int account_deposit(const Arguments& arguments) {
  Flags flags(
      "account deposit", "ACCOUNT AMOUNT [flags]",
      "Records money that a customer has paid in. AMOUNT is in dollars, e.g. 5000 or 12.50.");
  Common common;
  Deposit request;
  flags.argument("ACCOUNT", "name of the account", take_text(request.account));
  flags.argument("AMOUNT", "dollars", [&request](const std::string& text) -> Result<void> {
    auto amount = parse_micros(text);
    if (!amount) return tl::make_unexpected(amount.error());
    request.amount = {*amount};
    return {};
  });
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto client = connect(common, {"operator"});
  if (!client) return refuse("account deposit", client.error());
  auto reply = (*client)->get<Done>(request, common.mutating());
  if (!reply) return refuse("account deposit", reply.error());
  if (common.json)
    print_json(*reply);
  else
    fmt::print("{}: {} deposited\n", request.account, dollars(request.amount));
  return exit_done;
}

constexpr std::array account_verbs{Verb{"list", "balances", account_list},
                                   Verb{"deposit", "record a payment", account_deposit}};

}  // namespace

int verb_account(const Arguments& arguments) {
  return dispatch("weft account", account_verbs, arguments);
}

}  // namespace weft::cli
