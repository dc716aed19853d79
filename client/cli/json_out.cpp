// The one place of the program that makes JSON.
#include <cstdio>

#include "client/cli/output.hpp"
#include "schemas/json.hpp"

namespace weft::cli {

std::string json_text(const ReplyBody& reply) {
  return std::visit(
      [](const auto& arm) {
        if constexpr (std::is_same_v<std::decay_t<decltype(arm)>, std::monostate>)
          return std::string("{}");
        else
          return to_json(arm).dump(2, ' ', false, Json::error_handler_t::replace);
      },
      reply);
}

void print_json(const ReplyBody& reply) {
  const std::string text = json_text(reply) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void print_json(const std::vector<std::pair<std::string, std::string>>& pairs) {
  Json object = Json::object();
  for (const auto& [name, value] : pairs) object[name] = value;
  const std::string text = object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace weft::cli
