// A fabric from a file's text: YAML as schemas/yaml/fabric.hpp shows, or what ibnetdiscover prints
// of an InfiniBand subnet; which of the two is seen from the text. The same text always gives the
// same model, and so do the same blocks of ibnetdiscover text in another order.
// How places are inferred: docs/specs/005-slices.md.
// Thread: any. Errors: as problems, never an exception.
// Example:
//   const Loaded loaded = load(text, "fabric.yaml");
//   for (const Problem& p : loaded.problems)
//     std::cerr << yaml::to_string(p, "fabric.yaml") << '\n';   // "fabric.yaml:3:8: spec.range:
//     .."
//   if (loaded.fabric) use(*loaded.fabric);
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/fabric/model/fabric.hpp"
#include "schemas/yaml/problem.hpp"

namespace weft::broker::fabric {

using yaml::Problem;

struct Loaded {
  std::optional<Fabric> fabric;   // there is one iff there are no problems
  std::vector<Problem> problems;  // at most limits::spec_errors_max, in the file's order
  // Irregularities that the model carries as missing places; and lines that were not understood.
  std::vector<Problem> warnings;    // at most limits::fabric_warnings_max, in the file's order
  std::uint64_t more_warnings = 0;  // beyond those
  bool from_ibnetdiscover = false;
};

// `name` is not opened: without its folder and ending it is the fabric's name if the file has none.
Loaded load(std::string_view text, std::string_view name);

}  // namespace weft::broker::fabric
