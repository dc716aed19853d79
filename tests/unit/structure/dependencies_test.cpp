// Compares tests/dependencies.txt with the include lines of all sources.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace weft {
namespace {

namespace fs = std::filesystem;
const fs::path root = WEFT_SOURCE_DIR;

struct Rules {
  std::map<std::string, std::set<std::string>> allowed;  // part -> parts
  std::set<std::string> pure;
  std::vector<std::string> forbidden;  // patterns of outside headers
  std::vector<std::pair<std::string, std::set<std::string>>> only;
};

std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line.substr(0, line.find('#')));
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

Rules read_rules() {
  Rules rules;
  std::ifstream in(root / "tests/dependencies.txt");
  EXPECT_TRUE(in) << "tests/dependencies.txt";
  for (std::string line; std::getline(in, line);) {
    const auto all = words(line);
    if (all.empty()) continue;
    const std::set<std::string> rest(all.begin() + 1, all.end());
    if (all[0] == "pure")
      rules.pure = rest;
    else if (all[0] == "forbidden")
      rules.forbidden.insert(rules.forbidden.end(), rest.begin(), rest.end());
    else if (all[0] == "only")
      rules.only.emplace_back(all.at(1), std::set<std::string>(all.begin() + 2, all.end()));
    else
      rules.allowed[all[0]] = rest;
  }
  return rules;
}

bool matches(const std::string& pattern, const std::string& header) {
  if (pattern.ends_with('*')) return header.starts_with(pattern.substr(0, pattern.size() - 1));
  return header == pattern;
}

// The longest folder of the path that is a part; empty: none.
std::string part_of(const Rules& rules, fs::path path) {
  while (path.has_parent_path()) {
    path = path.parent_path();
    if (rules.allowed.contains(path.generic_string())) return path.generic_string();
  }
  return {};
}

struct Include {
  std::string header;
  bool ours = false;  // in quotes
};
std::vector<Include> includes_of(const fs::path& file) {
  std::vector<Include> out;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const std::size_t at = line.find("#include ");
    if (at == line.npos || line.find_first_not_of(" \t") != at) continue;
    const std::size_t open = line.find_first_of("<\"", at);
    const std::size_t close = open == line.npos ? open : line.find_first_of(">\"", open + 1);
    if (close != line.npos)
      out.push_back({line.substr(open + 1, close - open - 1), line[open] == '"'});
  }
  return out;
}

// What is wrong with one include of a file at `path` (relative to the root); empty: nothing.
std::string judge(const Rules& rules, const fs::path& path, const Include& include) {
  const std::string part = part_of(rules, path);
  if (part.empty()) return "is in no part";
  if (include.ours) {
    if (include.header.find('/') == include.header.npos) return {};  // its own folder
    if (include.header.ends_with(".capnp.h")) return {};             // generated, see `only capnp`
    const std::string target = part_of(rules, include.header);
    if (rules.allowed.at(part).contains(target)) return {};
    return fmt::format("{} may not include {}", part, target.empty() ? "that" : target);
  }
  if (rules.pure.contains(part))
    for (const std::string& pattern : rules.forbidden)
      if (matches(pattern, include.header)) return fmt::format("{} is a pure part", part);
  for (const auto& [pattern, parts] : rules.only)
    if (matches(pattern, include.header) && !parts.contains(part))
      return fmt::format("{} may not include it; only {}", part, fmt::join(parts, ", "));
  return {};
}

TEST(Dependencies, EveryIncludeIsAllowed) {
  const Rules rules = read_rules();
  std::size_t files = 0;
  for (const char* folder :
       {"base", "schemas", "broker", "worker", "transport", "client", "examples"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const fs::path path = fs::relative(entry.path(), root);
      if (path.extension() != ".cpp" && path.extension() != ".hpp") continue;
      ++files;
      for (const Include& include : includes_of(entry.path())) {
        const std::string wrong = judge(rules, path, include);
        EXPECT_TRUE(wrong.empty())
            << path.generic_string() << ": \"" << include.header << "\": " << wrong;
      }
    }
  }
  EXPECT_GT(files, 50U);
}

TEST(Dependencies, TheJudgeKnowsWrongFromRight) {
  const Rules rules = read_rules();
  const auto wrong = [&](const char* path, const char* header, bool ours) {
    return !judge(rules, path, {header, ours}).empty();
  };
  EXPECT_FALSE(wrong("broker/core/core.cpp", "broker/market/meter.hpp", true));
  EXPECT_TRUE(wrong("broker/market/meter.cpp", "broker/core/core.hpp", true));
  EXPECT_TRUE(wrong("worker/core/core.cpp", "broker/core/core.hpp", true));
  EXPECT_TRUE(wrong("base/time.cpp", "schemas/job.hpp", true));
  EXPECT_TRUE(wrong("broker/core/core.cpp", "chrono", false));
  EXPECT_TRUE(wrong("broker/core/deep/inside/x.cpp", "sys/socket.h", false));
  EXPECT_FALSE(wrong("broker/shell/clock.cpp", "chrono", false));
  EXPECT_TRUE(wrong("client/client.cpp", "sqlite3.h", false));
  EXPECT_TRUE(wrong("elsewhere/x.cpp", "vector", false));
}

}  // namespace
}  // namespace weft
