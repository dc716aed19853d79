#include "client/cli/job_file.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

namespace weft::cli {
namespace {

namespace fs = std::filesystem;

Result<std::string> read_text(const std::string& path) {
  if (path.empty()) return std::string();
  std::ostringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
    return text.str();
  }
  std::error_code error;
  if (fs::is_directory(path, error))
    return fail(Code::usage, fmt::format("{}: is a folder, not a job file", path));
  std::ifstream in(path);
  if (!in) return fail(Code::usage, fmt::format("{}: no such file, or not readable", path));
  text << in.rdbuf();
  return text.str();
}

bool is_set(const yaml::Overrides& overrides, std::string_view key) {
  for (const yaml::Setting& setting : overrides.settings)
    if (setting.key == key) return true;
  return false;
}

// What a flag caused is told under the flag's name.
std::string line_of(const yaml::Problem& problem, const std::string& file,
                    const std::vector<FlagKey>& flags) {
  yaml::Problem shown = problem;
  if (problem.line == yaml::from_command_line)
    for (const FlagKey& entry : flags)
      if (problem.key == entry.key || problem.key.starts_with(std::string(entry.key) + "."))
        shown.key = entry.flag;
  return to_string(shown, file);
}

}  // namespace

Result<std::optional<JobSpec>> read_job_file(const std::string& path,
                                             const yaml::Overrides& overrides,
                                             const std::vector<FlagKey>& flags) {
  auto text = read_text(path);
  if (!text) return tl::make_unexpected(text.error());
  const bool script = text->starts_with("#!");
  std::error_code error;
  const std::string here = fs::current_path(error).string();
  const std::string folder =
      path.empty() || path == "-" ? here : fs::absolute(path, error).parent_path().string();
  yaml::Overrides all = overrides;
  if (script && all.run.empty()) all.run = {fs::absolute(path, error).string()};
  const std::string name = path == "-" ? "stdin" : path;
  yaml::JobFile job =
      script ? yaml::read_script(*text, name, all) : yaml::read_job(*text, name, all);
  for (const yaml::Problem& problem : job.problems)
    fmt::print(stderr, "{}\n", line_of(problem, name, flags));
  if (!job.problems.empty()) return std::optional<JobSpec>();
  yaml::resolve_paths(job.spec, is_set(overrides, "workdir") ? here : folder);
  return std::optional<JobSpec>(std::move(job.spec));
}

}  // namespace weft::cli
