#include "client/cli/times.hpp"

#include <fmt/format.h>

#include <ctime>

#include "client/cli/output.hpp"

namespace weft::cli {
namespace {

// Two digits at `at`, or -1.
int two(std::string_view text, std::size_t at) {
  if (at + 2 > text.size()) return -1;
  const char a = text[at], b = text[at + 1];
  return a >= '0' && a <= '9' && b >= '0' && b <= '9' ? (a - '0') * 10 + (b - '0') : -1;
}

Instant next_clock_time(int hour, int minute, Instant now) {
  const std::time_t seconds = now.ms / 1'000;
  std::tm local{};
  localtime_r(&seconds, &local);
  local.tm_hour = hour;
  local.tm_min = minute;
  local.tm_sec = 0;
  local.tm_isdst = -1;
  std::tm tomorrow = local;
  tomorrow.tm_mday += 1;
  const Instant today{std::mktime(&local) * 1'000};
  return today > now ? today : Instant{std::mktime(&tomorrow) * 1'000};
}

bool all_digits(std::string_view text, std::initializer_list<std::size_t> places) {
  for (const std::size_t place : places)
    if (two(text, place) < 0) return false;
  return true;
}

// "2026-11-24T20:00:00Z", "...+01:00": fractions of a second are not taken.
Result<Instant> rfc3339(std::string_view text) {
  const bool shaped = text.size() >= 20 && text[4] == '-' && text[7] == '-' &&
                      (text[10] | 0x20) == 't' && text[13] == ':' && text[16] == ':' &&
                      all_digits(text, {0, 2, 5, 8, 11, 14, 17});
  if (!shaped) return fail(Code::usage, "");
  std::tm utc{};
  utc.tm_year = two(text, 0) * 100 + two(text, 2) - 1'900;
  utc.tm_mon = two(text, 5) - 1;
  utc.tm_mday = two(text, 8);
  utc.tm_hour = two(text, 11);
  utc.tm_min = two(text, 14);
  utc.tm_sec = two(text, 17);
  std::int64_t shift = 0;
  const std::string_view zone = text.substr(19);
  if (zone != "Z" && zone != "z") {
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':' ||
        !all_digits(zone, {1, 4}))
      return fail(Code::usage, "");
    shift = (two(zone, 1) * 60 + two(zone, 4)) * (zone[0] == '+' ? 60 : -60);
  }
  const std::tm asked = utc;
  const std::time_t seconds = timegm(&utc);
  if (asked.tm_mon != utc.tm_mon || asked.tm_mday != utc.tm_mday || asked.tm_hour != utc.tm_hour)
    return fail(Code::usage, "");  // the 31st of April
  return Instant{(seconds - shift) * 1'000};
}

}  // namespace

Result<Instant> parse_time(std::string_view text, Instant now) {
  if (text == "now") return now;
  if (text.starts_with("+")) {
    auto later = parse_duration(text.substr(1));
    if (!later) return tl::make_unexpected(later.error());
    return now + *later;
  }
  if (text.size() == 5 && text[2] == ':' && all_digits(text, {0, 3}) && two(text, 0) < 24 &&
      two(text, 3) < 60)
    return next_clock_time(two(text, 0), two(text, 3), now);
  if (auto time = rfc3339(text)) return time;
  return fail(
      Code::usage,
      fmt::format("'{}' is not a time; write now, +2h, 20:00, or 2026-11-24T20:00:00Z", text));
}

Flags::Take take_time(Instant& out) {
  return [&out](const std::string& text) -> Result<void> {
    auto time = parse_time(text, now());
    if (!time) return tl::make_unexpected(time.error());
    out = *time;
    return {};
  };
}

}  // namespace weft::cli
