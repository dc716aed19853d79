#include "client/cli/fabric_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/limits.hpp"
#include "client/cli/output.hpp"

namespace weft::cli {

Result<std::string> read_whole(const std::string& what, const std::string& path,
                               std::size_t bytes_max) {
  const auto too_long = [&](std::uint64_t size) {
    return fail(Code::usage,
                fmt::format("{} {}: {}; at most {}", what, path, bytes(size), bytes(bytes_max)));
  };
  std::error_code ignored;
  if (path != "-" && std::filesystem::is_directory(path, ignored))
    return fail(Code::usage, fmt::format("{} {}: is a folder, not a file", what, path));
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  if (!file) return fail(Code::usage, fmt::format("{} {}: can't be read", what, path));
  std::istream& in = path == "-" ? std::cin : file;
  std::string text;
  std::string piece(std::size_t{1} << 20, '\0');
  while (in) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    text.append(piece, 0, static_cast<std::size_t>(in.gcount()));
    if (text.size() > bytes_max) return too_long(text.size());
  }
  return text;
}

Result<std::optional<broker::fabric::Loaded>> read_fabric_file(const std::string& what,
                                                               const std::string& path) {
  const auto text = read_whole(what, path, limits::fabric_text_bytes_max);
  if (!text) return tl::make_unexpected(text.error());
  const std::string name = path == "-" ? "stdin" : path;
  broker::fabric::Loaded loaded = broker::fabric::load(*text, name);
  for (const yaml::Problem& problem : loaded.problems)
    fmt::print(stderr, "{}\n", to_string(problem, name));
  if (!loaded.fabric) return std::optional<broker::fabric::Loaded>();
  return std::optional(std::move(loaded));
}

}  // namespace weft::cli
