// What is wrong with a file that a person wrote: where, which key, what, and what would be right.
// Thread: any.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace weft::yaml {

inline constexpr int from_command_line = -1;  // as the line of a problem or a setting

struct Problem {
  int line = 0, column = 0;  // from 1; line 0: no place (a key that is missing altogether)
  Code code{};
  std::string key;   // dotted, e.g. lease.max_price; empty: the file as a whole
  std::string text;  // "what; what is allowed"
  bool operator==(const Problem&) const = default;
};

// "job.yaml:3:7: spec.unit: time: '90' lacks a unit; write e.g. 90s"
std::string to_string(const Problem& problem, std::string_view file_name);
// The first problem as an error of a call that can only report one.
Error to_error(const std::vector<Problem>& problems, std::string_view file_name);

}  // namespace weft::yaml
