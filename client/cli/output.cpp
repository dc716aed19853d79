#include "client/cli/output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace weft::cli {
namespace {

// Columns that a text takes: escapes take none, a UTF-8 sequence takes one.
std::size_t width(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\033') {
      while (i < text.size() && text[i] != 'm') ++i;
    } else if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) {
      ++count;
    }
  }
  return count;
}

}  // namespace

bool colours_on_stdout() {
  static const bool wanted = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return wanted;
}

Table::Table(std::vector<std::string> headings) : headings_(std::move(headings)) {
  for (std::string& heading : headings_) {
    right_.push_back(heading.starts_with(">"));
    if (right_.back()) heading.erase(0, 1);
  }
}

void Table::row(std::vector<std::string> cells) {
  cells.resize(headings_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const std::string& heading : headings_) widths.push_back(width(heading));
  for (const auto& cells : rows_)
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], width(cells[i]));

  auto line = [&](const std::vector<std::string>& cells) {
    std::string out;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string blanks(widths[i] - width(cells[i]), ' ');
      out += right_[i] ? blanks + cells[i] : cells[i] + blanks;
      if (i + 1 < cells.size()) out += "  ";
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out + "\n";
  };
  std::vector<std::string> heads;
  for (const std::string& heading : headings_) heads.push_back(painted(heading, Colour::dim));
  std::string out = line(heads);
  for (const auto& cells : rows_) out += line(cells);
  return out;
}

std::string painted(std::string text, Colour colour) {
  static constexpr const char* codes[] = {"", "1", "2", "31", "32", "33", "34"};
  if (colour == Colour::none || text.empty() || !colours_on_stdout()) return text;
  return fmt::format("\033[{}m{}\033[0m", codes[static_cast<int>(colour)], text);
}

Colour colour_of(JobState state) {
  switch (state) {
    case JobState::running: return Colour::green;
    case JobState::succeeded: return Colour::blue;
    case JobState::failed:
    case JobState::expired:
    case JobState::unplaced:
    case JobState::preempted: return Colour::red;
    case JobState::cancelled: return Colour::dim;
    default: return Colour::yellow;
  }
}

std::string painted(JobState state) {
  return painted(std::string(to_string(state)), colour_of(state));
}

Instant now() {
  namespace chrono = std::chrono;
  return {
      chrono::duration_cast<chrono::milliseconds>(chrono::system_clock::now().time_since_epoch())
          .count()};
}

std::string took(Duration d) {
  const std::int64_t ms = std::max<std::int64_t>(0, d.ms), s = ms / 1'000;
  if (ms < 10'000)
    return ms < 1'000 ? fmt::format("{}ms", ms) : fmt::format("{}.{}s", s, ms % 1'000 / 100);
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3'600) return fmt::format("{}m{:02}s", s / 60, s % 60);
  if (s < 86'400) return fmt::format("{}h{:02}m", s / 3'600, s / 60 % 60);
  return fmt::format("{}d{:02}h", s / 86'400, s / 3'600 % 24);
}

std::string ago(Instant then, Instant now) {
  if (then.ms == 0) return "-";
  if (then == never) return "never";
  const Duration since = now - then;
  if (since.ms >= 0 && since.ms < 1'000) return "now";
  return since.ms >= 0 ? took(since) + " ago" : "in " + took(then - now);
}

std::string clock_time(Instant t) {
  if (t.ms == 0) return "-";
  if (t == never) return "never";
  const std::time_t seconds = t.ms / 1'000, today = now().ms / 1'000;
  std::tm then{}, here{};
  localtime_r(&seconds, &then);
  localtime_r(&today, &here);
  const bool same_day = then.tm_yday == here.tm_yday && then.tm_year == here.tm_year;
  char text[64];
  std::strftime(text, sizeof text, same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &then);
  return fmt::format("{}.{:03}", text, t.ms % 1'000);
}

std::string dollars(Money m) {
  return (m.micros < 0 ? "-$" : "$") + to_string(Money{std::abs(m.micros)});
}
std::string dollars(Price p) { return "$" + to_string(p); }

std::string bytes(std::uint64_t count) {
  static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::uint64_t tenths = count * 10;
  std::size_t unit = 0;
  while (tenths >= 10'240 && unit < 5) {
    tenths /= 1'024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", count)
                   : fmt::format("{}.{} {}", tenths / 10, tenths % 10, units[unit]);
}

std::string counted(std::uint64_t count, const std::string& noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string signal_name(int number) {
  const char* name = sigabbrev_np(number);
  return name == nullptr ? fmt::format("signal {}", number) : fmt::format("SIG{}", name);
}

std::string end_text(const RankEnd& end) {
  switch (end.state) {
    case RankState::exited: return fmt::format("exit {}", end.status);
    case RankState::killed:
      return fmt::format("killed by {}{}", signal_name(end.status),
                         end.out_of_memory ? " (out of memory)" : "");
    case RankState::left_early: return fmt::format("left early, exit {}", end.status);
    case RankState::stopped: return "stopped by weft";
    case RankState::not_started: return "not started";
    case RankState::lost: return "lost with its node";
    case RankState::running: return "running";
  }
  return "unknown";
}

std::string blame_text(const Blame& blame, std::uint32_t attempt) {
  if (blame.code == Code::none) return {};
  std::string out = fmt::format("{}: rank {}", to_string(blame.code), blame.rank);
  if (!blame.node_name.empty()) out += fmt::format(" on {}", blame.node_name);
  if (attempt != 0) out += fmt::format(", attempt {}", attempt);
  if (!blame.detail.empty()) out += fmt::format("\n  evidence    {}", blame.detail);
  if (!blame.last_lines.empty()) {
    out += "\n  last lines";
    std::string_view rest = blame.last_lines;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      out += fmt::format("\n    | {}", rest.substr(0, end));
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
  }
  return out + "\n";
}

}  // namespace weft::cli
