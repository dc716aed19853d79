#include "schemas/yaml/print.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weft::yaml {
namespace {

bool plain(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && (letter(text[0]) || text[0] == '/' || text[0] == '_') &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return letter(c) || c == '/' || c == '_' || c == '-' || c == '.' || c == '+' || c == '=';
         });
}

}  // namespace

std::string quote(std::string_view text) {
  if (plain(text)) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += std::string("\\") + c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (byte < 0x20 || byte == 0x7F)
      out += fmt::format("\\x{:02X}", byte);
    else
      out += c;
  }
  return out + "\"";
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + quote(text);
  return "[" + out + "]";
}

}  // namespace weft::yaml
