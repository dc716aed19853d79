#include "client/key.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <chrono>

namespace weft::client {

RequestKey make_request_key() {
  namespace chrono = std::chrono;
  const auto ms = static_cast<std::uint64_t>(
      chrono::duration_cast<chrono::milliseconds>(chrono::system_clock::now().time_since_epoch())
          .count());
  RequestKey key;
  for (int i = 0; i < 6; ++i) key.data[i] = static_cast<std::uint8_t>(ms >> (8 * (5 - i)));
  randombytes_buf(key.data.data() + 6, key.data.size() - 6);
  return key;
}

Result<RequestKey> parse_request_key(std::string_view text) {
  RequestKey key;
  if (!from_hex(text, key.data.data(), key.data.size()))
    return fail(Code::usage,
                fmt::format("'{}' is not a key; a key is 32 hexadecimal digits", text));
  return key;
}

}  // namespace weft::client
