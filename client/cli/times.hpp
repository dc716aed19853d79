// Points in time on a command line: `now`, +1h30m, 20:00 (the next such time here), or RFC 3339
// with a zone. Errors: usage with what was meant to stand there. Thread: any.
#pragma once
#include <string_view>

#include "base/time.hpp"
#include "client/cli/flags.hpp"

namespace weft::cli {

Result<Instant> parse_time(std::string_view text, Instant now);
Flags::Take take_time(Instant& out);

}  // namespace weft::cli
