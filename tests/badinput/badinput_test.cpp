// tests/badinput/*.txt: a command line ("$ weft ..."), its exit code ("exit N"), and all that it
// prints ("| ..."). Each runs in a folder of its own, with the files named by "file NAME" blocks at
// the top of its table and without any broker. WEFT_REWRITE=1 writes codes and messages anew (then
// read the diff).
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace weft {
namespace {

namespace fs = std::filesystem;
const fs::path folder = fs::path(WEFT_SOURCE_DIR) / "tests/badinput";

struct Case {
  std::string command;
  int code = -1;
  std::string output;
};
struct Table {
  std::string head;  // everything before the first case, with the files
  std::vector<Case> cases;
};

Table read_table(const fs::path& path) {
  Table table;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("$ "))
      table.cases.push_back({line.substr(2), -1, ""});
    else if (table.cases.empty())
      table.head += line + "\n";
    else if (line.starts_with("exit "))
      table.cases.back().code = std::atoi(line.c_str() + 5);
    else if (line.starts_with("|"))
      table.cases.back().output += (line.size() > 2 ? line.substr(2) : "") + "\n";
  }
  return table;
}

void write_table(const fs::path& path, const Table& table) {
  std::ofstream out(path);
  out << table.head;
  for (const Case& entry : table.cases) {
    out << "$ " << entry.command << "\nexit " << entry.code << "\n";
    std::istringstream lines(entry.output);
    for (std::string line; std::getline(lines, line);)
      out << "|" << (line.empty() ? "" : " ") << line << "\n";
    out << "\n";
  }
}

// "file NAME" begins a file, its lines are indented by four blanks.
void write_files(const std::string& head, const fs::path& where) {
  std::istringstream lines(head);
  std::ofstream file;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("file ")) {
      file.close();
      file.open(where / line.substr(5));
    } else if (line.starts_with("    ")) {
      file << line.substr(4) << "\n";
    }
  }
}

class BadInput : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "weft-badinput-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    place_ = name;
    ::setenv("WEFT_STATE", (place_ + "/state").c_str(), 1);
    ::setenv("PATH", (std::string(WEFT_BIN_DIR) + ":/usr/bin:/bin").c_str(), 1);
  }
  void TearDown() override { fs::remove_all(place_); }

  Case run(const std::string& command) const {
    Case out{command, -1, ""};
    // Groups of a shell of its own: a command that waits for a broker would wait for ever.
    const std::string line =
        "cd " + place_ + " && timeout 20 sh -c '" + escaped(command) + "' 2>&1 </dev/null";
    FILE* const pipe = ::popen(line.c_str(), "r");
    if (pipe == nullptr) return out;
    std::array<char, 4096> buffer{};
    while (const std::size_t n = ::fread(buffer.data(), 1, buffer.size(), pipe))
      out.output.append(buffer.data(), n);
    const int status = ::pclose(pipe);
    if (WIFEXITED(status)) out.code = WEXITSTATUS(status);
    for (std::size_t at = out.output.find(place_); at != std::string::npos;
         at = out.output.find(place_))
      out.output.replace(at, place_.size(), "HERE");
    return out;
  }
  static std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out;
  }
  std::string place_;
};

TEST_F(BadInput, EveryCommandLineGetsItsMessage) {
  std::size_t cases = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".txt") continue;
    Table table = read_table(entry.path());
    write_files(table.head, place_);
    for (Case& wanted : table.cases) {
      ++cases;
      const Case got = run(wanted.command);
      if (std::getenv("WEFT_REWRITE") != nullptr) {
        wanted = got;
        continue;
      }
      EXPECT_EQ(got.code, wanted.code) << wanted.command;
      EXPECT_EQ(got.output, wanted.output) << wanted.command;
      EXPECT_NE(got.code, 0) << wanted.command << " is not wrong";
    }
    if (std::getenv("WEFT_REWRITE") != nullptr) write_table(entry.path(), table);
  }
  EXPECT_GE(cases, 40U);
}

}  // namespace
}  // namespace weft
