// Private to schemas/yaml: names of many at once, n[1-8] or gpu-[001-128].
// Thread: any.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace weft::yaml {

// A name without brackets is one name. At most `most` names. Leading zeros of the first number are
// kept. Errors: spec.syntax, spec.range (an empty or too long range), spec.size.
Result<std::vector<std::string>> expand_names(std::string_view pattern, std::size_t most);

}  // namespace weft::yaml
