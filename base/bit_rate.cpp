#include "base/bit_rate.hpp"

#include <fmt/format.h>

#include <array>

namespace weft {
namespace {

struct BitUnit {
  std::string_view name;
  std::uint64_t bits;
};
constexpr std::array<BitUnit, 5> bit_units{{{"Tbps", 1'000'000'000'000},
                                            {"Gbps", 1'000'000'000},
                                            {"Mbps", 1'000'000},
                                            {"kbps", 1'000},
                                            {"bps", 1}}};
constexpr std::uint64_t bit_rate_max = 1'000 * bit_units[0].bits;

}  // namespace

Result<std::uint64_t> parse_bit_rate(std::string_view text) {
  const auto bad = [&](Code code, std::string_view why) {
    return fail(
        code, fmt::format("'{}' {}; write e.g. 50Mbps, 2.5Gbps, 400Gbps", text.substr(0, 40), why));
  };
  std::size_t at = 0, point = text.npos;
  std::uint64_t digits = 0, scale = 1;
  for (; at < text.size(); ++at) {
    if (text[at] == '.' && point == text.npos && at != 0) {
      point = at;
      continue;
    }
    if (text[at] < '0' || text[at] > '9') break;
    if (digits > bit_rate_max) return bad(Code::spec_range, "is more than 1000Tbps");
    digits = digits * 10 + static_cast<std::uint64_t>(text[at] - '0');
    if (point == text.npos) continue;
    if (scale >= bit_units[0].bits) return bad(Code::spec_syntax, "has too many digits");
    scale *= 10;
  }
  if (at == 0 || point == at - 1) return bad(Code::spec_syntax, "is not a bandwidth");
  const std::string_view name = text.substr(at);
  if (name.empty()) return bad(Code::spec_unit, "lacks a unit");
  for (const BitUnit& unit : bit_units) {
    if (unit.name != name) continue;
    if (digits == 0) return bad(Code::spec_range, "is no bandwidth");
    const std::uint64_t whole = digits / scale;
    std::uint64_t part = digits % scale;  // of `scale`; both lose the zeros that they share
    while (part % 10 == 0 && scale > 1) part /= 10, scale /= 10;
    if (unit.bits % scale != 0) return bad(Code::spec_range, "is no whole number of bits");
    if (whole > bit_rate_max / unit.bits) return bad(Code::spec_range, "is more than 1000Tbps");
    return whole * unit.bits + part * (unit.bits / scale);
  }
  return bad(Code::spec_syntax, "is not a bandwidth");
}

std::string bit_rate_text(std::uint64_t bits_per_second) {
  for (const BitUnit& unit : bit_units)
    if (bits_per_second != 0 && bits_per_second % unit.bits == 0)
      return fmt::format("{}{}", bits_per_second / unit.bits, unit.name);
  return fmt::format("{}bps", bits_per_second);
}

std::string bit_rate_rounded(std::uint64_t bits_per_second) {
  for (const BitUnit& unit : bit_units) {
    if (bits_per_second < unit.bits) continue;
    const double value = static_cast<double>(bits_per_second) / static_cast<double>(unit.bits);
    return fmt::format("{:.{}f}{}", value,
                       unit.bits == 1 || value >= 100 ? 0
                       : value < 10                   ? 2
                                                      : 1,
                       unit.name);
  }
  return "0bps";
}

}  // namespace weft
