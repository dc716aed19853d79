// What every verb has in common: the flags --state --as --timeout --key -o, the way to the broker,
// and how an error becomes a line on stderr and an exit code. Thread: one.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/cli/flags.hpp"
#include "client/client.hpp"
#include "client/state_dir.hpp"

namespace weft::cli {

// What a verb says to the broker decides which of the common flags it has: one that changes nothing
// there needs no idempotency key, one that is about this machine's processes no key to speak with,
// one that only computes none of it.
enum class Speaks : std::uint8_t { changes, asks, for_itself, never };

struct Common {
  explicit Common(Speaks how = Speaks::changes, Duration patience = seconds(30))
      : speaks(how), timeout(patience) {}

  Speaks speaks;
  Duration timeout;
  std::string state, as;
  bool json = false;
  RequestKey request_key;  // of --key
  bool has_request_key = false;

  void declare(Flags& flags);
  // For a request that changes something: with the caller's key, if one was given. The same key on
  // two requests of one verb would be a conflict, so a verb uses this once.
  client::CallOptions mutating() const;
  client::CallOptions reading() const { return {.key = {}, .timeout = timeout}; }
};

// Declares the common flags, parses, prints help when asked. The value is an exit code to return
// now, or -1: go on.
int begin(Flags& flags, Common& common, const std::vector<std::string>& arguments);

// A verb's connection. It is left to the end of the process: closing it in order takes
// milliseconds, and nothing is on its way any more when a verb has its answers.
struct LeftOpen {
  void operator()(client::Client*) const {}
};
using Connection = std::unique_ptr<client::Client, LeftOpen>;

// Connects with --as, or else the first of `natural` that exists.
Result<Connection> connect(const Common& common, const client::StateDir& state,
                           const std::vector<std::string>& natural);
Result<Connection> connect(const Common& common, const std::vector<std::string>& natural);
net::CurveKeys curve_keys(const yaml::KeyFile& file);

// Exit codes, as docs/guide-ml-team.md lists them.
inline constexpr int exit_done = 0, exit_refused = 1, exit_usage = 2, exit_not_placed = 3,
                     exit_state = 4, exit_verify = 5, exit_unreachable = 6, exit_conflict = 7,
                     exit_denied = 8, exit_unplaced = 69, exit_reclaimed = 75,
                     exit_time_limit = 124, exit_weft = 125;
int exit_code_of(Code code);

// "weft run: spec.price_missing: ..." on stderr; returns the exit code.
int refuse(const std::string& verb, const Error& error);

}  // namespace weft::cli
