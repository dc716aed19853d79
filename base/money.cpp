#include "base/money.hpp"

#include <fmt/format.h>

#include "base/limits.hpp"

namespace weft {
namespace {
std::string dollars(std::int64_t micros) {
  const bool negative = micros < 0;
  const std::uint64_t size =
      negative ? 0 - static_cast<std::uint64_t>(micros) : static_cast<std::uint64_t>(micros);
  std::string text =
      fmt::format("{}{}.{:06}", negative ? "-" : "", size / 1'000'000, size % 1'000'000);
  for (int i = 0; i < 4 && text.back() == '0'; ++i) text.pop_back();
  return text;
}
}  // namespace

Result<std::int64_t> parse_micros(std::string_view text) {
  const auto bad = [&](Code code) {
    return fail(
        code, fmt::format("'{}' is not an amount in dollars; write e.g. 2.40 (at most 6 decimals, "
                          "at most {})",
                          text, limits::money_max.micros / 1'000'000));
  };
  std::int64_t whole = 0, part = 0;
  std::size_t i = 0;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
    whole = whole * 10 + (text[i] - '0');
    if (whole > limits::money_max.micros / 1'000'000) return bad(Code::spec_range);
  }
  if (i == 0) return bad(Code::spec_syntax);
  if (i < text.size() && text[i] == '.') {
    const std::size_t first = ++i;
    std::int64_t scale = 100'000;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i, scale /= 10) {
      if (scale == 0) return bad(Code::spec_syntax);
      part += (text[i] - '0') * scale;
    }
    if (i == first) return bad(Code::spec_syntax);
  }
  if (i != text.size()) return bad(Code::spec_syntax);
  return whole * 1'000'000 + part;
}

std::string to_string(Money m) { return dollars(m.micros); }
std::string to_string(Price p) { return dollars(p.micros); }

}  // namespace weft
