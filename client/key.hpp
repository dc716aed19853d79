// Idempotency keys: 128 bits, of which the first 48 are milliseconds since the Unix epoch, so that
// the broker's table of remembered requests grows at one end; the rest is random. Any 128-bit key
// is valid. Thread: any.
#pragma once
#include <string_view>

#include "base/ids.hpp"
#include "base/result.hpp"

namespace weft::client {

RequestKey make_request_key();
// 32 hexadecimal digits, as `--key` takes them; else usage.
Result<RequestKey> parse_request_key(std::string_view text);

}  // namespace weft::client
