// Cap'n Proto 0.9.2's headers do not compile as C++20 under clang >= 16: `const char*` has no ==
// with kj::StringPtr in the rewritten-operator sense. Included first in the codec; see
// docs/decisions/0003-codec.md.
#pragma once
#include <kj/string.h>
#if defined(__clang__) && __clang_major__ >= 16
namespace kj {
inline bool operator==(const char* a, const StringPtr& b) { return b == StringPtr(a); }
inline bool operator!=(const char* a, const StringPtr& b) { return !(b == StringPtr(a)); }
}  // namespace kj
#endif
