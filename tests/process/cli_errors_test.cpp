// Wrong command lines: exit code, and a message that names the flag or word and what would be
// right.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/process/support/program.hpp"
#include "tests/support/wait.hpp"

namespace weft::test {
namespace {

using ::testing::HasSubstr;

class CommandLine : public ::testing::Test {
 protected:
  CommandLine() {
    state_ = ::testing::TempDir() + "weft-cli-XXXXXX";
    EXPECT_NE(mkdtemp(state_.data()), nullptr);
  }
  ~CommandLine() override {
    std::error_code ignored;
    std::filesystem::remove_all(state_, ignored);
  }
  Output weft(std::vector<std::string> words) const {
    Launch launch;
    launch.arguments = {std::string(WEFT_BIN_DIR) + "/weft"};
    launch.arguments.insert(launch.arguments.end(), words.begin(), words.end());
    launch.environment = {"WEFT_STATE=" + state_};
    return run(launch);
  }
  std::string file(const std::string& text) const {
    const std::string path = state_ + "/job.yaml";
    std::ofstream(path) << text;
    return path;
  }
  std::string state_;
};

struct Wrong {
  std::vector<std::string> words;
  int code;
  std::string says;
};

TEST_F(CommandLine, EveryMistakeIsNamedWithWhatWouldBeRight) {
  const std::vector<Wrong> table{
      {{}, 2, "usage: weft VERB"},
      {{"rnu"}, 2, "'rnu' is not a verb; did you mean 'run'?"},
      {{"sumbit", "x"}, 2, "did you mean 'submit'?"},
      {{"frobnicate"}, 2, "'frobnicate' is not a verb; `weft --help` lists them"},
      {{"lease"}, 2, "usage: weft lease VERB"},
      {{"lease", "lsit"}, 2, "did you mean 'list'?"},
      {{"offer", "add"}, 2, "'add' is not a verb; `weft offer --help`"},
      {{"keys", "revok"}, 2, "did you mean 'revoke'?"},
      {{"run", "hostname"}, 2, "the command goes after it: `weft run -N 2 -- hostname`"},
      {{"run"}, 2, "no command; put it after --"},
      {{"run", "-N", "2", "--"}, 2, "no command; put it after --"},
      {{"run", "--nods", "2", "--", "true"}, 2, "unknown flag '--nods'; did you mean '--nodes'?"},
      {{"run", "-N", "--", "true"}, 2, "--nodes"},
      {{"run", "-N", "0", "--", "true"}, 2, "spec.range: --nodes"},
      {{"run", "-N", "many", "--", "true"}, 2, "--nodes"},
      {{"run", "-t", "90", "--", "true"}, 2, "spec.unit: --time"},
      {{"run", "-t", "10s", "--", "true"}, 2, "spec.range: --time"},
      {{"run", "-p", "2,40", "--", "true"}, 2, "--max-price"},
      {{"run", "-p", "-1", "--", "true"}, 2, "--max-price"},
      {{"run", "--ranks-per-node", "1000", "--", "true"}, 2, "spec.range: --ranks-per-node"},
      {{"run", "--notice", "1s", "--", "true"}, 2, "spec.range: --notice"},
      {{"run", "--env", "HOME", "--", "true"}, 2, "--env: 'HOME' is not NAME=VALUE"},
      {{"run", "--env", "WEFT_RANK=3", "--", "true"}, 2, "spec.reserved: --env"},
      {{"run", "--name", "No Such", "--", "true"}, 2, "--name"},
      {{"run", "--rank", "one", "--", "true"}, 2, "--rank: 'one' is not a rank"},
      {{"run", "-f", "/nonexistent.yaml"}, 2, "/nonexistent.yaml: no such file"},
      {{"submit"}, 2, "FILE is missing; usage: weft submit FILE"},
      {{"submit", "/"}, 2, "is a folder, not a job file"},
      {{"submit", "a", "b"}, 2, "'b' is one argument too many"},
      {{"submit", "x", "--set", "nodes"}, 2, "--set: 'nodes' is not KEY=VALUE"},
      {{"show"}, 2, "JOB is missing"},
      {{"show", "first"}, 2, "JOB: 'first' is not an id"},
      {{"show", "0"}, 2, "JOB: '0' is not an id"},
      {{"logs", "3", "--rank", "x"}, 2, "--rank: 'x' is not a whole number"},
      {{"logs", "3", "--attempt", "0"}, 2, "--attempt: '0' is not a whole number from 1"},
      {{"cancel"}, 2, "JOB is missing"},
      {{"cancel", "1", "--signal", "HUPP"}, 2, "--signal: 'HUPP' is not a signal"},
      {{"cancel", "1", "--rank", "0"}, 2, "--rank: only with --signal"},
      {{"ps", "-o", "xml"}, 2, "--output: 'xml' is not a format; text or json"},
      {{"cancel", "3", "--key", "12"}, 2, "--key: '12' is not a key"},
      {{"ps", "--timeout", "5"}, 2, "--timeout: '5' lacks a unit"},
      {{"ps", "--", "true"}, 2, "this verb takes no command"},
      {{"quote", "-N", "0"}, 2, "--nodes: '0' is not a whole number from 1 to 65536"},
      {{"accept", "L9"}, 2, "QUOTE: 'L9' is not an id; an id is a number, e.g. 9 or Q9"},
      {{"lease", "release", "Q9"}, 2, "LEASE: 'Q9' is not an id"},
      {{"offer", "put", "--floor", "1.1234567"}, 2, "--floor"},
      {{"offer", "put", "--until", "tomorrow"},
       2,
       "--until: 'tomorrow' is not a time; write now, +2h, 20:00"},
      {{"bill", "--job", "1", "--lease", "2"}, 2, "give either --job or --lease"},
      {{"keys", "new", "alice"}, 2, "--role is missing; operator, seller, customer or worker"},
      {{"keys", "new", "alice", "--role", "admin"}, 2, "--role: 'admin' is not a role"},
      {{"account", "deposit", "alice"}, 2, "AMOUNT is missing"},
      {{"account", "deposit", "alice", "1e3"}, 2, "AMOUNT"},
      {{"events", "--after", "x"}, 2, "--after: 'x' is not an id"},
      {{"up", "--nodes", "0"}, 2, "--nodes: '0' is not a whole number from 1 to 250"},
      {{"up", "--price", "free"}, 2, "--price"},
      {{"down", "--purg"}, 2, "did you mean '--purge'?"},
      {{"version", "--verbose"}, 2, "unknown flag '--verbose'"},
      {{"ps"}, 6, "broker.not_found: no broker known in "},
      {{"run", "--", "true"}, 6, "start one with `weft up`"},
  };
  EXPECT_GE(table.size(), 40U);
  for (const Wrong& wrong : table) {
    std::string line;
    for (const std::string& word : wrong.words) line += " " + word;
    const Output output = weft(wrong.words);
    EXPECT_EQ(output.code, wrong.code) << "weft" << line << "\n" << output.all();
    EXPECT_THAT(output.err, HasSubstr(wrong.says)) << "weft" << line;
    EXPECT_EQ(output.out, "") << "weft" << line;
  }
}

TEST_F(CommandLine, AllProblemsOfAJobFileComeAtOnceWithTheirPlaces) {
  const std::string path = file("nodes: 0\ntime: 90\nrun: [true]\nresart: {max: 3}\n");
  const Output output = weft({"submit", path});
  EXPECT_EQ(output.code, 2);
  EXPECT_THAT(output.err, HasSubstr(path + ":1:8: spec.range: nodes"));
  EXPECT_THAT(output.err, HasSubstr(path + ":2:7: spec.unit: time"));
  EXPECT_THAT(output.err, HasSubstr(path + ":4:1: spec.unknown_key: resart"));
  EXPECT_THAT(output.err, HasSubstr("restart"));
}

TEST_F(CommandLine, EveryVerbHasHelp) {
  // `changes` have an idempotency key, all but those `for_itself` a key to speak with.
  const std::set<std::string> changes{
      "run",       "submit",         "cancel",   "quote",       "accept",         "lease release",
      "offer put", "offer withdraw", "keys new", "keys revoke", "account deposit"};
  const std::set<std::string> for_itself{"up", "down"};
  std::set<std::string> verbs{"ps",         "show",       "why",          "logs",       "wait",
                              "lease list", "lease show", "bill",         "offer list", "nodes",
                              "events",     "keys list",  "account list", "version"};
  verbs.insert(changes.begin(), changes.end());
  verbs.insert(for_itself.begin(), for_itself.end());
  for (const std::string& name : verbs) {
    std::vector<std::string> words{name.substr(0, name.find(' '))};
    if (words[0] != name) words.push_back(name.substr(words[0].size() + 1));
    words.push_back("--help");
    const Output output = weft(words);
    EXPECT_EQ(output.code, 0) << name;
    EXPECT_THAT(output.out, HasSubstr("usage: weft " + name));
    for (const char* flag :
         {"--state DIR", "-o, --output FORMAT", "--timeout DURATION", "-h, --help"})
      EXPECT_THAT(output.out, HasSubstr(flag)) << name;
    const auto has = [&](const char* flag) { return output.out.find(flag) != std::string::npos; };
    EXPECT_EQ(has("--key KEY "), changes.contains(name)) << name;
    EXPECT_EQ(has("--as NAME "), !for_itself.contains(name)) << name;
    EXPECT_EQ(output.err, "") << name;
  }
}

TEST_F(CommandLine, AKeyThatIsNotThereIsNamed) {
  std::ofstream(state_ + "/connection.yaml")
      << "clients: ipc:///nowhere\nworkers: ipc:///nowhere\nserver: " << std::string(64, '1')
      << "\n";
  const Output none = weft({"ps"});
  EXPECT_EQ(none.code, 8) << none.all();
  EXPECT_THAT(none.err, HasSubstr("auth.unknown_key: no key in " + state_ + "/keys"));
  const Output other = weft({"ps", "--as", "bob"});
  EXPECT_EQ(other.code, 8);
  EXPECT_THAT(other.err, HasSubstr("--as bob: there is no " + state_ + "/keys/bob.key"));
}

TEST_F(CommandLine, DownWithoutUpIsNothingToDo) {
  EXPECT_EQ(weft({"down"}).code, 0);
  EXPECT_EQ(weft({"down", "--state", state_ + "/nowhere"}).code, 0);
  EXPECT_EQ(weft({"down", "--purge"}).code, 0);
  EXPECT_FALSE(std::filesystem::exists(state_));
}

}  // namespace
}  // namespace weft::test
