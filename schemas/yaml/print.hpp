// Private to schemas/yaml: texts in the form that the reader gives back unchanged.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace weft::yaml {

// As it is when it is a plain word, else in double quotes with escapes.
std::string quote(std::string_view text);
// A flow list: [a, "b c"].
std::string list_of(const std::vector<std::string>& texts);

}  // namespace weft::yaml
