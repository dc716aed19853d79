// The files under tests/compat/job: every valid one reads, prints and reads again to the same
// value; every invalid one gives exactly the messages in its `# expect:` head, which are what a
// user sees after the file's name. WEFT_REWRITE=1 writes the heads anew (then read the diff).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "schemas/yaml/job.hpp"

namespace weft::yaml {
namespace {

const std::string folder = std::string(WEFT_SOURCE_DIR) + "/tests/compat/job/";
constexpr std::string_view mark = "# expect: ";

std::vector<std::filesystem::path> files(const char* kind) {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder + kind))
    out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}
std::string content(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}
std::vector<std::string> messages(const std::string& text, const std::string& file_name) {
  std::vector<std::string> out;
  for (const Problem& problem : read_job(text, file_name).problems) {
    const std::string line = to_string(problem, file_name);
    EXPECT_EQ(line.find('\n'), std::string::npos) << "a message is one line: " << line;
    out.push_back(line.substr(file_name.size() + (problem.line > 0 ? 1 : 2)));
  }
  return out;
}
// Splits the head off: what is expected, and where the body begins.
std::vector<std::string> expected(const std::string& text, std::size_t& body) {
  std::vector<std::string> out;
  for (body = 0; text.compare(body, mark.size(), mark) == 0;) {
    const std::size_t end = text.find('\n', body);
    out.push_back(text.substr(body + mark.size(), end - body - mark.size()));
    body = end + 1;
  }
  return out;
}
std::string with_head(const std::vector<std::string>& lines, const std::string& body) {
  std::string out;
  for (const std::string& line : lines) out += std::string(mark) + line + "\n";
  return out + body;
}

TEST(JobFiles, ValidOnesReadPrintAndReadAgain) {
  const auto all = files("valid");
  ASSERT_GE(all.size(), 4U);
  for (const auto& path : all) {
    const JobFile first = read_job(content(path), path.filename().string());
    for (const Problem& problem : first.problems)
      ADD_FAILURE() << to_string(problem, path.string());
    const std::string printed = print_job(first.spec);
    const JobFile second = read_job(printed, "printed");
    for (const Problem& problem : second.problems)
      ADD_FAILURE() << to_string(problem, "printed") << "\n" << printed;
    EXPECT_EQ(first.spec, second.spec) << printed;
  }
}

TEST(JobFiles, InvalidOnesGiveExactlyTheirMessages) {
  const auto all = files("invalid");
  ASSERT_GE(all.size(), 40U);
  for (const auto& path : all) {
    const std::string name = path.filename().string(), text = content(path);
    std::size_t body = 0;
    const auto wanted = expected(text, body);
    if (std::getenv("WEFT_REWRITE") != nullptr) {
      auto lines = messages(text.substr(body), name);
      lines = messages(with_head(lines, text.substr(body)), name);
      std::ofstream(path) << with_head(lines, text.substr(body));
      continue;
    }
    EXPECT_FALSE(wanted.empty()) << name << " has no head";
    EXPECT_EQ(messages(text, name), wanted) << name;
  }
}

}  // namespace
}  // namespace weft::yaml
