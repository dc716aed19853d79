// A child process of the broker, with one end of a socketpair as its descriptor 3 and otherwise
// only the three standard ones: everything else of ours is close-on-exec.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.hpp"

namespace weft::broker {

struct Child {
  pid_t pid = -1;
  int link = -1;  // our end; the caller's
};
inline constexpr int child_link = 3;  // the child's end

// `arguments`: [0] is its name. `environment`: NAME=VALUE, besides the broker's own.
// Errors: os.error with the program and what the system said.
Result<Child> start_child(const std::string& program, std::vector<std::string> arguments,
                          const std::vector<std::string>& environment = {});

}  // namespace weft::broker
