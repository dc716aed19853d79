// Refusals as values. A bug stops the process (base/assert.hpp); a refusal that the caller must
// handle is a Result with a Code of the closed list in base/codes.hpp; the outside world failing is
// an event. Nothing of ours throws.
#pragma once
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "base/codes.hpp"

namespace weft {

struct Error {
  Code code{};
  std::string detail;  // what, where, and what would be right
  bool operator==(const Error&) const = default;
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Code code, std::string detail) {
  return tl::make_unexpected(Error{code, std::move(detail)});
}

// "spec.unit: '90' lacks a unit; write e.g. 90s": the form in which every program prints an error.
std::string to_string(const Error& error);

}  // namespace weft
