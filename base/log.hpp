// Logging. Levels follow from who reads the line: error, a promise is at risk, for the operator
// now; warn, odd but handled, for the operator today; info, one line per life-cycle change; debug
// and trace, for developers, off. One line says observation and consequence. Pure parts never log:
// they return typed notes and a shell prints them. Thread: any.
#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>

namespace weft::log {

enum class Level { trace, debug, info, warn, error, off };

// Once at start. `file` empty: standard error only (text); else JSON lines are appended to it too.
void start(std::string_view program, Level level, const std::string& file = {});
bool enabled(Level level);
void write(Level level, std::string_view line);

template <class... A>
void debug(fmt::format_string<A...> f, A&&... a) {
  if (enabled(Level::debug)) write(Level::debug, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void info(fmt::format_string<A...> f, A&&... a) {
  if (enabled(Level::info)) write(Level::info, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void warn(fmt::format_string<A...> f, A&&... a) {
  if (enabled(Level::warn)) write(Level::warn, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void error(fmt::format_string<A...> f, A&&... a) {
  write(Level::error, fmt::format(f, std::forward<A>(a)...));
}

}  // namespace weft::log
