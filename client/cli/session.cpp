#include "client/cli/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "client/key.hpp"

namespace weft::cli {

void Common::declare(Flags& flags) {
  flags.option("-o,--output", "FORMAT", "`text` (default) or `json`",
               [this](const std::string& value) -> Result<void> {
                 if (value != "json" && value != "text")
                   return fail(Code::usage,
                               fmt::format("'{}' is not a format; text or json", value));
                 json = value == "json";
                 return {};
               });
  if (speaks == Speaks::never) return;
  flags.option("--state", state, "DIR",
               "state directory (default: $WEFT_STATE, else ~/.local/state/weft)");
  flags.duration("--timeout", timeout,
                 fmt::format("give up on the broker after this (default {})", to_string(timeout)));
  if (speaks == Speaks::for_itself) return;
  flags.option("--as", as, "NAME", "speak with the key keys/NAME.key of the state directory");
  if (speaks == Speaks::asks) return;
  flags.option("--key", "KEY",
               "idempotency key, 32 hex digits: a repeat with it has no second effect",
               [this](const std::string& value) -> Result<void> {
                 auto parsed = client::parse_request_key(value);
                 if (!parsed) return tl::make_unexpected(parsed.error());
                 request_key = *parsed;
                 has_request_key = true;
                 return {};
               });
}

client::CallOptions Common::mutating() const {
  client::CallOptions options{.key = {}, .timeout = timeout};
  if (has_request_key) options.key = request_key;
  return options;
}

int begin(Flags& flags, Common& common, const std::vector<std::string>& arguments) {
  common.declare(flags);
  auto next = flags.parse(arguments);
  if (!next) {
    fmt::print(stderr, "weft: {}\n", to_string(next.error()));
    return exit_usage;
  }
  if (*next == Flags::Next::help_wanted) {
    fmt::print("{}", flags.help());
    return exit_done;
  }
  return -1;
}

net::CurveKeys curve_keys(const yaml::KeyFile& file) {
  net::CurveKeys keys;
  keys.public_key = file.entry.principal;
  keys.secret.data = file.secret.data;
  return keys;
}

Result<Connection> connect(const Common& common, const client::StateDir& state,
                           const std::vector<std::string>& natural) {
  // Whether a broker is known comes first: "no key" would be the lesser half of the truth.
  if (auto known = yaml::read_connection(state.connection());
      !known && known.error().code == Code::broker_not_found)
    return fail(Code::broker_not_found,
                fmt::format("no broker known in {}; start one with `weft up`", state.root));
  auto key = client::find_key(state, common.as, natural);
  if (!key) return tl::make_unexpected(key.error());
  auto opened = client::Client::open({.connection_file = state.connection(), .connection = {}},
                                     curve_keys(*key));
  if (!opened) return tl::make_unexpected(opened.error());
  return Connection(opened->release());
}

Result<Connection> connect(const Common& common, const std::vector<std::string>& natural) {
  auto state = client::find_state_dir(common.state);
  if (!state) return tl::make_unexpected(state.error());
  return connect(common, *state, natural);
}

int exit_code_of(Code code) {
  const int number = static_cast<int>(code);
  switch (code) {
    case Code::none: return exit_done;
    case Code::idem_conflict: return exit_conflict;
    case Code::broker_busy:
    case Code::broker_unreachable:
    case Code::broker_not_found:
    case Code::timeout: return exit_unreachable;
    case Code::state_illegal:
    case Code::job_ended:
    case Code::lease_busy:
    case Code::quote_lapsed:
    case Code::quote_used:
    case Code::quote_void:
    case Code::up_running: return exit_state;
    case Code::lease_too_short: return exit_not_placed;
    case Code::journal_corrupt:
    case Code::bill_mismatch: return exit_verify;
    default: break;
  }
  if (number >= 1 && number <= 29) return exit_usage;  // spec.*, usage
  if (number >= 30 && number <= 39) return exit_denied;
  const std::string_view name = to_string(code);
  return name.starts_with("place.") ? exit_not_placed : exit_refused;
}

int refuse(const std::string& verb, const Error& error) {
  std::fflush(stdout);
  fmt::print(stderr, "weft {}: {}\n", verb, to_string(error));
  return exit_code_of(error.code);
}

}  // namespace weft::cli
