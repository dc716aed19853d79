#include "base/time.hpp"

#include <fmt/format.h>

#include <array>

namespace weft {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::array<Unit, 5> units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::int64_t duration_ms_max = 100LL * 366 * 86'400'000;

// Civil date from days since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date
// algorithms", civil_from_days).
struct Date {
  std::int64_t year;
  unsigned month, day;
};
Date civil_from_days(std::int64_t z) {
  z += 719'468;
  const std::int64_t era = (z >= 0 ? z : z - 146'096) / 146'097;
  const auto doe = static_cast<unsigned>(z - era * 146'097);
  const unsigned yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const unsigned mp = (5 * doy + 2) / 153;
  const unsigned day = doy - (153 * mp + 2) / 5 + 1;
  const unsigned month = mp < 10 ? mp + 3 : mp - 9;
  return {static_cast<std::int64_t>(yoe) + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const std::string shown(text);
  const auto bad = [&](Code code, std::string_view why) {
    return fail(code, fmt::format("'{}' {}; write e.g. 250ms, 90s, 1h30m, 2d", shown, why));
  };
  if (text.empty()) return bad(Code::spec_syntax, "is not a duration");
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  while (!text.empty()) {
    std::size_t n = 0;
    std::int64_t count = 0;
    while (n < text.size() && text[n] >= '0' && text[n] <= '9') {
      if (n >= 15) return bad(Code::spec_range, "is too long a duration");
      count = count * 10 + (text[n++] - '0');
    }
    if (n == 0) return bad(Code::spec_syntax, "is not a duration");
    text.remove_prefix(n);
    n = 0;
    while (n < text.size() && text[n] >= 'a' && text[n] <= 'z') ++n;
    const std::string_view name = text.substr(0, n);
    if (name.empty()) {
      return bad(text.empty() ? Code::spec_unit : Code::spec_syntax,
                 text.empty() ? "lacks a unit" : "is not a duration");
    }
    while (next_unit < units.size() && units[next_unit].name != name) ++next_unit;
    if (next_unit == units.size()) return bad(Code::spec_syntax, "is not a duration");
    if (count > duration_ms_max / units[next_unit].ms)
      return bad(Code::spec_range, "is too long a duration");
    total += count * units[next_unit++].ms;
    text.remove_prefix(n);
  }
  if (total > duration_ms_max) return bad(Code::spec_range, "is too long a duration");
  return Duration{total};
}

std::string to_string(Duration d) {
  if (d.ms < 0) return "-" + to_string(Duration{-d.ms});
  if (d.ms == 0) return "0s";
  std::string out;
  for (const Unit& unit : units) {
    if (d.ms >= unit.ms) out += fmt::format("{}{}", d.ms / unit.ms, unit.name);
    d.ms %= unit.ms;
  }
  return out;
}

std::string to_string(Instant t) {
  if (t == never) return "never";
  std::int64_t days = t.ms / 86'400'000, rest = t.ms % 86'400'000;
  if (rest < 0) {
    rest += 86'400'000;
    --days;
  }
  const Date date = civil_from_days(days);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", date.year, date.month, date.day,
                     rest / 3'600'000, rest / 60'000 % 60, rest / 1000 % 60, rest % 1000);
}

}  // namespace weft
