// Private to schemas/yaml: texts in the form that the reader gives back unchanged.
#pragma once
#include <string>
#include <string_view>

namespace weft::yaml {

// As it is when it is a plain word, else in double quotes with escapes.
std::string quote(std::string_view text);

}  // namespace weft::yaml
