// A private broker with workers, started by `weft up` in a temporary directory, driven through the
// real programs, and always cleaned up: also after a failed test nothing of it is left.
// Owns: the directory and every process in it. Thread: one.
// Example:
//   Cluster cluster({.nodes = 2});
//   ASSERT_TRUE(cluster.up());
//   EXPECT_EQ(cluster.weft({"run", "-N", "2", "-t", "1m", "--", "true"}).code, 0);
#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "client/client.hpp"
#include "tests/process/support/processes.hpp"
#include "tests/process/support/program.hpp"
#include "tests/support/wait.hpp"

namespace weft::test {

using Json = nlohmann::ordered_json;

class Cluster {
 public:
  struct Options {
    std::uint32_t nodes = 2;
    std::optional<uid_t> user;  // root only: everything runs as this plain user
    std::string fabric = {};    // root only: a file of examples/fabrics, on driver linux
  };
  explicit Cluster(Options options);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  bool up() const { return up_; }
  const std::string& directory() const { return directory_; }  // for files of the test, 0755
  const std::string& state() const { return state_; }
  // A directory that any rank may write to.
  std::string shared_directory(const std::string& name) const;
  // A copy of a program of build/bin where a rank may read it.
  std::string rank_program(const std::string& name) const;

  // Verbs, with --state. json() adds -o json and fails the test when the exit code is not 0.
  Launch command(std::vector<std::string> words) const;
  Output weft(std::vector<std::string> words) const { return run(command(std::move(words))); }
  Json json(std::vector<std::string> words) const;
  std::unique_ptr<Background> start(std::vector<std::string> words) const;

  std::unique_ptr<client::Client> client(const std::string& as = "customer") const;

  // From /proc; 0 when there is none now.
  pid_t broker() const;
  std::vector<pid_t> gateways() const;
  pid_t worker(const std::string& node) const;
  pid_t supervisor() const;
  // Kills it and waits until another one is there and answers.
  void kill_broker() const;
  bool answers() const;

  // `weft down` and what it has to leave behind; false (with a failure) when something is left.
  bool down();

 private:
  std::string directory_, state_, programs_;
  Options options_;
  bool up_ = false;
};

}  // namespace weft::test
