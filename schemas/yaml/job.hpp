// The job spec as people write it: YAML to a resolved JobSpec, with every error at once, and back.
// What each key means, its range and its default: docs/specs/002-job.md.
// Errors: as problems, never an exception; at most limits::spec_errors_max. Thread: any.
// Example:
//   const JobFile job = read_job(text, "job.yaml", {{{"nodes", "8"}}, {}});
//   for (const Problem& p : job.problems) std::cerr << to_string(p, "job.yaml") << '\n';
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "schemas/job.hpp"
#include "schemas/yaml/problem.hpp"

namespace weft::yaml {

// One key set beside the file, by a flag or by a #WEFT line; it replaces what the file says.
struct Setting {
  std::string key, value;  // dotted key, e.g. lease.max_price; a list is written [a, b]
  int line = from_command_line, column = 0;
};
struct Overrides {
  std::vector<Setting> settings;
  std::vector<std::string> run;  // argv; empty: the file's
};

struct JobFile {
  JobSpec spec;                   // defaults filled in; only of use when there are no problems
  std::vector<Problem> problems;  // in the file's order
};
// `file_name` is not opened: it gives the default of `name`.
JobFile read_job(std::string_view text, std::string_view file_name,
                 const Overrides& overrides = {});

// A script whose leading comment lines say `#WEFT key=value`; the script itself is what `run` runs.
JobFile read_script(std::string_view text, std::string_view file_name, Overrides overrides);

// A relative workdir or checkpoint.dir was written with the caller's folder in mind: makes both
// absolute (checkpoint.dir below workdir). An empty workdir becomes `folder`; an empty
// checkpoint.dir stays empty (the job's own directory).
void resolve_paths(JobSpec& spec, std::string_view folder);

// The resolved form; read_job gives the same value back.
std::string print_job(const JobSpec& spec);

}  // namespace weft::yaml
