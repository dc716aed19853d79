#include "schemas/yaml/problem.hpp"

#include <fmt/format.h>

namespace weft::yaml {
namespace {

std::string place(const Problem& problem, std::string_view file_name) {
  if (problem.line == from_command_line) return "command line";
  if (problem.line == 0) return std::string(file_name);
  return fmt::format("{}:{}:{}", file_name, problem.line, problem.column);
}
std::string what(const Problem& problem) {
  return problem.key.empty() ? problem.text : problem.key + ": " + problem.text;
}

}  // namespace

std::string to_string(const Problem& problem, std::string_view file_name) {
  const std::string where = place(problem, file_name);
  return fmt::format("{}{}{}: {}", where, where.empty() ? "" : ": ", weft::to_string(problem.code),
                     what(problem));
}

Error to_error(const std::vector<Problem>& problems, std::string_view file_name) {
  if (problems.empty()) return {};
  const Problem& first = problems.front();
  const std::string where = place(first, file_name);
  return {first.code, where.empty() ? what(first) : where + ": " + what(first)};
}

}  // namespace weft::yaml
