// weft version: of this program, and of the broker when one answers.
#include <fmt/format.h>

#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"
#include "schemas/envelope.hpp"

namespace weft::cli {

int verb_version(const Arguments& arguments) {
  Flags flags("version", "[flags]",
              "Prints the version of this program and, when one answers, of the broker.");
  Common common(Speaks::asks, seconds(2));
  if (const int code = begin(flags, common, arguments); code >= 0) return code;

  std::vector<std::pair<std::string, std::string>> pairs{
      {"weft", WEFT_VERSION}, {"protocol", std::to_string(protocol_version)}};
  std::string broker = "none reached";
  auto client = connect(common, {"customer", "operator", "seller"});
  auto info = client ? (*client)->get<Info>(Hello{}, common.reading())
                     : tl::make_unexpected(client.error());
  if (info) {
    broker = fmt::format("{}, epoch {}, up {}, {} nodes up, {} jobs live; you are {} ({})",
                         info->version, info->epoch.value, took(info->now - info->started_at),
                         info->nodes_up, info->jobs_live, info->key_name, to_string(info->role));
    pairs.emplace_back("broker", info->version);
    pairs.emplace_back("epoch", std::to_string(info->epoch.value));
    pairs.emplace_back("state", to_hex(info->state));
  } else if (info.error().code != Code::broker_not_found) {
    broker = to_string(info.error());
    pairs.emplace_back("error", broker);
  }
  if (common.json)
    print_json(pairs);
  else
    fmt::print("weft {} (protocol {})\nbroker: {}\n", WEFT_VERSION, protocol_version, broker);
  return exit_done;
}

}  // namespace weft::cli
