// A job as the verbs take it: a YAML file or a script with #WEFT lines, and what flags set beside
// it. Errors: usage (cannot be read); else the problems of the file and the flags, all of them, one
// a line.
#pragma once
#include <optional>
#include <string>

#include "base/result.hpp"
#include "schemas/job.hpp"
#include "schemas/yaml/job.hpp"

namespace weft::cli {

// A flag of a verb, and the key of the job file that it sets.
struct FlagKey {
  const char* flag;  // "--nodes"
  const char* key;   // "nodes"
};

// path empty: there is no file; "-": standard input. Paths are made absolute: against the file's
// folder, for flags against the current one. On problems they are printed and the value is empty.
Result<std::optional<JobSpec>> read_job_file(const std::string& path,
                                             const yaml::Overrides& overrides,
                                             const std::vector<FlagKey>& flags);

}  // namespace weft::cli
