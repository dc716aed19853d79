#include "base/codes.hpp"

#include "base/result.hpp"

namespace weft {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::none: return "none";
#define WEFT_CODE_CASE(number, name, text) \
  case Code::name: return text;
      WEFT_CODES(WEFT_CODE_CASE)
#undef WEFT_CODE_CASE
  }
  return "unknown";
}

std::optional<Code> code_from(std::string_view name) {
#define WEFT_CODE_IF(number, id, text) \
  if (name == text) return Code::id;
  WEFT_CODES(WEFT_CODE_IF)
#undef WEFT_CODE_IF
  return std::nullopt;
}

std::string to_string(const Error& error) {
  std::string out(to_string(error.code));
  if (!error.detail.empty()) out += ": " + error.detail;
  return out;
}

}  // namespace weft
