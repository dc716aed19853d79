// Time as plain numbers. An Instant is ledger time: milliseconds since the Unix epoch as the broker
// counts them (wall clock at start plus monotonic time since; it never runs backwards). A Duration
// is a difference, in milliseconds. Nothing here reads a clock: only the shells' clock files do.
#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace weft {

struct Duration {
  std::int64_t ms{};
  auto operator<=>(const Duration&) const = default;
};
struct Instant {
  std::int64_t ms{};
  auto operator<=>(const Instant&) const = default;
};

constexpr Instant operator+(Instant t, Duration d) { return {t.ms + d.ms}; }
constexpr Instant operator-(Instant t, Duration d) { return {t.ms - d.ms}; }
constexpr Duration operator-(Instant a, Instant b) { return {a.ms - b.ms}; }
constexpr Duration operator+(Duration a, Duration b) { return {a.ms + b.ms}; }
constexpr Duration operator-(Duration a, Duration b) { return {a.ms - b.ms}; }
constexpr Duration operator*(Duration d, std::int64_t n) { return {d.ms * n}; }
constexpr Duration milliseconds(std::int64_t n) { return {n}; }
constexpr Duration seconds(std::int64_t n) { return {n * 1'000}; }
constexpr Duration minutes(std::int64_t n) { return {n * 60'000}; }
constexpr Duration hours(std::int64_t n) { return {n * 3'600'000}; }
constexpr Instant never{INT64_MAX};

// "90s", "1h30m", "250ms", "4d": integers with ms s m h d, largest first, joined without blanks.
// Refused: a number without its unit (Code::spec_unit), anything else malformed
// (Code::spec_syntax), a value beyond 100 years (Code::spec_range).
Result<Duration> parse_duration(std::string_view text);
// The shortest such text: 5400 s is "1h30m".
std::string to_string(Duration d);
// RFC 3339 in UTC with milliseconds: "2026-11-24T07:15:03.250Z". `never` prints as "never".
std::string to_string(Instant t);

}  // namespace weft
