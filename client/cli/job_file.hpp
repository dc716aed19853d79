// A job's YAML file for the verbs that take one. Errors: usage (cannot be read), or all problems of
// the file, one a line, under the code of the first.
#pragma once
#include <string>

#include "base/result.hpp"
#include "schemas/job.hpp"

namespace weft::cli {

Result<JobSpec> read_job_file(const std::string& path);  // "-": standard input
// A name that a spec accepts, made of the command: "./Train.sh" -> "train-sh".
std::string name_from(const std::string& command);

}  // namespace weft::cli
