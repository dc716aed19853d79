// What a job spec must satisfy beyond its syntax, and its resolved form. The YAML decoder checks
// the same limits with line numbers; this is the check that nobody can go around.
#pragma once
#include "base/result.hpp"
#include "schemas/job.hpp"

namespace weft::broker::jobs {

struct Prices {  // of the market at submission
  bool all_zero = true;
};

// Defaults filled in, or the first thing that is wrong: which key, what it is, what would be right.
Result<JobSpec> resolve(JobSpec spec, const Prices& prices);
// Environment variables that weft sets itself.
bool reserved_variable(std::string_view name);
bool good_name(std::string_view name);  // [a-z0-9-]{1,63}

}  // namespace weft::broker::jobs
