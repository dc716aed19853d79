// Assertions that stay on in every build. A false one is a bug of ours: it prints the condition,
// the place and a detail, and stops the process. Never used for input, the network or the disk.
#pragma once
#include <string_view>

namespace weft {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line,
                                   std::string_view detail);
}

#define WEFT_ASSERT(condition, detail) \
  (static_cast<bool>(condition)        \
       ? void(0)                       \
       : ::weft::assertion_failed(#condition, __FILE__, __LINE__, detail))
