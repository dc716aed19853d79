// A text file between a comment with its epoch and digest and an end mark: neither a part of it nor
// a changed one is taken for the whole.
//   # weft epoch 7 sha256 <64 hex> of what lies between this line and the last
//   ..
//   # weft end
// A partition file must begin with its default partition: there the first line stands before the
// last one. Thread: any. Errors: none.
#pragma once
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace weft::broker::fabric {

// `body` ends with a newline. in_front: where the digest stands.
std::string seal(std::string_view body, Epoch epoch, bool in_front);
// Empty, or what is wrong.
std::string broken_seal(std::string_view text, bool in_front);
Epoch sealed_epoch(std::string_view text, bool in_front);  // 0: none there

}  // namespace weft::broker::fabric
