#include "base/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

namespace weft::log {
namespace {

spdlog::level::level_enum native(Level level) {
  switch (level) {
    case Level::trace: return spdlog::level::trace;
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
    case Level::off: return spdlog::level::off;
  }
  return spdlog::level::info;
}

// The text form goes to standard error; the file gets one JSON object a line.
struct Loggers {
  std::shared_ptr<spdlog::logger> text = spdlog::stderr_color_mt("weft");
  std::shared_ptr<spdlog::logger> json;
  std::string program;
};
Loggers& loggers() {
  static Loggers instance;
  return instance;
}

}  // namespace

void start(std::string_view program, Level level, const std::string& file) {
  Loggers& l = loggers();
  l.program = program;
  l.text->set_level(native(level));
  l.text->set_pattern("%Y-%m-%dT%H:%M:%S.%e " + l.program + " %^%l%$ %v");
  if (!file.empty()) {
    l.json = spdlog::basic_logger_mt("weft-json", file);
    l.json->set_level(native(level));
    l.json->set_pattern("%v");
    l.json->flush_on(spdlog::level::info);
  }
}

bool enabled(Level level) { return loggers().text->should_log(native(level)); }

void write(Level level, std::string_view line) {
  Loggers& l = loggers();
  l.text->log(native(level), "{}", line);
  if (!l.json) return;
  const auto now =
      std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  nlohmann::ordered_json object = {
      {"ts_ms", now.time_since_epoch().count()},
      {"program", l.program},
      {"level", std::string(spdlog::level::to_string_view(native(level)).data())},
      {"message", std::string(line)}};
  l.json->log(native(level), "{}",
              object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace weft::log
