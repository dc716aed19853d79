// `weft bill --verify`: fetches the journal, has client/verify recompute it, and compares with what
// the broker bills and with its balances.
#pragma once
#include "client/cli/session.hpp"

namespace weft::cli {

int verify_bill(client::Client& client, const Common& common, const AskBill& what);

}  // namespace weft::cli
