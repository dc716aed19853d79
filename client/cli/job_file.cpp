#include "client/cli/job_file.hpp"

#include <fmt/format.h>

#include <cctype>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/limits.hpp"

namespace weft::cli {

Result<JobSpec> read_job_file(const std::string& path) {
  std::ostringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
  } else {
    std::ifstream in(path);
    if (!in) return fail(Code::usage, fmt::format("{}: cannot be read", path));
    text << in.rdbuf();
  }
  return fail(Code::spec_unsupported, "job files");
}

std::string name_from(const std::string& command) {
  const std::string base = command.substr(command.rfind('/') + 1);
  std::string name;
  for (const char c : base) {
    const auto lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
    if (plain)
      name += lower;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  name = name.substr(0, limits::name_bytes_max);
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "job" : name;
}

}  // namespace weft::cli
