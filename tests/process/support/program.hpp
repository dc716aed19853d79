// Running programs and reading what they print. Thread: one at a time each.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace weft::test {

struct Output {
  int code = -1;  // exit code; 128 + signal when killed
  std::string out, err;
  std::string all() const { return out + err; }
};

struct Launch {
  std::vector<std::string> arguments;    // [0]: path of the program
  std::vector<std::string> environment;  // NAME=VALUE, added to ours
  std::optional<uid_t> user;             // root only: run as this user, without groups
  std::string directory;                 // working directory; empty: ours
};

// A program that runs beside the test; its output goes to files. Destroying it kills it.
class Background {
 public:
  explicit Background(const Launch& launch);
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number) const;
  const Output& wait();  // until it ends by itself
  std::string out_so_far() const;

 private:
  void finish(int status);
  pid_t pid_ = -1;
  bool ended_ = false;
  int out_ = -1, err_ = -1;  // unlinked files
  Output output_;
};

// To its end.
Output run(const Launch& launch);

}  // namespace weft::test
