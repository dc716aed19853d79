// docs/errors.md and base/codes.hpp hold the same codes, and each entry says What, Why and To do.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "base/codes.hpp"

namespace weft {
namespace {

std::map<std::string, std::set<std::string>> entries() {
  std::map<std::string, std::set<std::string>> out;
  std::ifstream in(std::string(WEFT_SOURCE_DIR) + "/docs/errors.md");
  EXPECT_TRUE(in) << "docs/errors.md";
  std::string code;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("### ")) {
      code = line.substr(4);
      EXPECT_TRUE(out.emplace(code, std::set<std::string>{}).second) << code << " twice";
    }
    for (const char* word : {"What:", "Why:", "To do:"})
      if (line.starts_with(std::string("- ") + word) && line.size() > 10 + std::string(word).size())
        out[code].insert(word);
  }
  return out;
}

TEST(Errors, EveryCodeHasItsEntryAndTheReverse) {
  auto documented = entries();
#define WEFT_CHECK(number, name, text)                                           \
  EXPECT_EQ(documented[text].size(), 3U) << text << " lacks What, Why or To do"; \
  documented.erase(text);
  WEFT_CODES(WEFT_CHECK)
#undef WEFT_CHECK
  for (const auto& [code, lines] : documented) ADD_FAILURE() << code << " is no code";
}

TEST(Errors, NumbersAndNamesAreUnique) {
  std::set<int> numbers;
  std::set<std::string_view> names;
#define WEFT_CHECK(number, name, text)                \
  EXPECT_TRUE(numbers.insert(number).second) << text; \
  EXPECT_TRUE(names.insert(text).second) << text;     \
  EXPECT_EQ(code_from(text), Code::name);             \
  EXPECT_EQ(to_string(Code::name), text);
  WEFT_CODES(WEFT_CHECK)
#undef WEFT_CHECK
  EXPECT_FALSE(code_from("no.such"));
}

}  // namespace
}  // namespace weft
