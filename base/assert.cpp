#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace weft {
void assertion_failed(const char* condition, const char* file, int line, std::string_view detail) {
  std::fprintf(stderr, "weft: bug: %s at %s:%d: %.*s\n", condition, file, line,
               static_cast<int>(detail.size()), detail.data());
  std::abort();
}
}  // namespace weft
