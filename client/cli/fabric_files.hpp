// Fabrics and other texts from files, for the verbs below `weft fabric`.
// Thread: one. Errors: usage (unreadable, too long); what is wrong inside a fabric's file is
// printed on stderr, one problem a line.
#pragma once
#include <optional>
#include <string>

#include "base/result.hpp"
#include "broker/fabric/import/load.hpp"

namespace weft::cli {

// "-" is standard input. `what` is how messages call it: "--trace".
Result<std::string> read_whole(const std::string& what, const std::string& path,
                               std::size_t bytes_max);

// Nothing: problems were printed, the verb ends with exit_usage.
Result<std::optional<broker::fabric::Loaded>> read_fabric_file(const std::string& what,
                                                               const std::string& path);

}  // namespace weft::cli
