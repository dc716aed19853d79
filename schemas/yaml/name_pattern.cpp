#include "schemas/yaml/name_pattern.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/limits.hpp"
#include "schemas/yaml/reader.hpp"

namespace weft::yaml {
namespace {

bool good_name(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= limits::name_bytes_max && letter(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return letter(c) || c == '-' || c == '_' || c == '.'; });
}

// 0 to 99,999,999; nothing for what is no such number.
bool read_number(std::string_view text, std::uint32_t& out) {
  if (text.empty() || text.size() > 8) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

Result<std::vector<std::string>> expand_names(std::string_view pattern, std::size_t most) {
  constexpr std::string_view allowed =
      "write a name of letters, digits, '.', '_' and '-' (at most 63), or a pattern as n[1-8]";
  const auto bad = [&](Code code, std::string_view why) {
    return fail(code, fmt::format("{} {}; {}", quoted(pattern), why, allowed));
  };
  const std::size_t open = pattern.find('['), close = pattern.find(']');
  if (open == pattern.npos && close == pattern.npos) {
    if (!good_name(pattern)) return bad(Code::spec_range, "is not a name");
    return std::vector{std::string(pattern)};
  }
  if (open == pattern.npos || close == pattern.npos || close < open)
    return bad(Code::spec_syntax, "is not a pattern");
  const std::string_view range = pattern.substr(open + 1, close - open - 1);
  const std::size_t dash = std::min(range.find('-'), range.size());
  std::uint32_t first = 0, last = 0;
  if (dash == range.size() || !read_number(range.substr(0, dash), first) ||
      !read_number(range.substr(dash + 1), last))
    return bad(Code::spec_syntax, "is not a pattern");
  if (last < first) return bad(Code::spec_range, "counts down");
  if (last - first >= most)
    return fail(Code::spec_size,
                fmt::format("{} is {} names; at most {}", quoted(pattern), last - first + 1, most));
  const std::size_t width = range[0] == '0' ? dash : 0;
  std::vector<std::string> out;
  for (std::uint32_t i = first; i <= last; ++i) {
    out.push_back(
        fmt::format("{}{:0{}}{}", pattern.substr(0, open), i, width, pattern.substr(close + 1)));
    if (!good_name(out.back())) return bad(Code::spec_range, "gives no names");
  }
  return out;
}

}  // namespace weft::yaml
