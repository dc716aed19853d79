#include "broker/shell/state_lock.hpp"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/shell/state_dir.hpp"
#include "tests/unit/broker_shell/temp_dir.hpp"

namespace weft::broker {
namespace {

// Takes the lock in another process and holds it until told to end.
class Holder {
 public:
  explicit Holder(const std::string& path) {
    int to_child[2], from_child[2];
    EXPECT_EQ(pipe(to_child), 0);
    EXPECT_EQ(pipe(from_child), 0);
    pid_ = fork();
    if (pid_ == 0) {
      const auto lock = StateLock::take(path);
      const char taken = lock ? 'y' : 'n';
      (void)!write(from_child[1], &taken, 1);
      char end = 0;
      (void)!read(to_child[0], &end, 1);
      _exit(0);
    }
    EXPECT_EQ(read(from_child[0], &taken_, 1), 1);
    close(from_child[0]);
    close(from_child[1]);
    close(to_child[0]);
    end_fd_ = to_child[1];
  }
  void end() {
    (void)!write(end_fd_, "x", 1);
    waitpid(pid_, nullptr, 0);
    close(end_fd_);
  }
  char taken_ = 0;
  pid_t pid_ = -1;
  int end_fd_ = -1;
};

TEST(StateLock, TheSecondBrokerIsToldWhoHoldsTheFirst) {
  TempDir dir;
  Holder holder(dir.file("lock"));
  EXPECT_EQ(holder.taken_, 'y');
  const auto refused = StateLock::take(dir.file("lock"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::journal_locked);
  EXPECT_THAT(refused.error().detail, testing::HasSubstr(std::to_string(holder.pid_)));
  holder.end();
  EXPECT_TRUE(StateLock::take(dir.file("lock"))) << "a dead holder's lock is free";
}

TEST(StateLock, ProgramsStartedByTheHolderDoNotInheritIt) {
  TempDir dir;
  pid_t sleeper = -1;
  {
    const auto lock = StateLock::take(dir.file("lock"));
    ASSERT_TRUE(lock);
    sleeper = fork();
    if (sleeper == 0) {
      execlp("sleep", "sleep", "60", nullptr);
      _exit(1);
    }
    // Until exec has happened the child has the descriptor: wait for its command line to change.
    const std::string comm = "/proc/" + std::to_string(sleeper) + "/comm";
    std::string name;
    while (name != "sleep\n") {
      std::FILE* file = std::fopen(comm.c_str(), "r");
      char text[64] = {};
      if (file != nullptr && std::fgets(text, sizeof text, file) != nullptr) name = text;
      if (file != nullptr) std::fclose(file);
    }
  }
  EXPECT_TRUE(StateLock::take(dir.file("lock")));
  kill(sleeper, SIGKILL);
  waitpid(sleeper, nullptr, 0);
}

TEST(StateDir, OpenPortsAreThoseOfTheLastBroker) {
  using V = std::vector<std::string>;
  EXPECT_EQ(with_last_ports({"tcp://127.0.0.1:0"}, "tcp://127.0.0.1:4711"),
            V{"tcp://127.0.0.1:4711"});
  EXPECT_EQ(with_last_ports({"tcp://127.0.0.1:*"}, "tcp://127.0.0.1:4711"),
            V{"tcp://127.0.0.1:4711"});
  EXPECT_EQ(with_last_ports({"tcp://127.0.0.1:99"}, "tcp://127.0.0.1:4711"),
            V{"tcp://127.0.0.1:99"});
  EXPECT_EQ(with_last_ports({"tcp://10.0.0.1:0"}, "tcp://127.0.0.1:4711"), V{"tcp://10.0.0.1:0"});
  EXPECT_EQ(with_last_ports({"ipc:///run/weft:0"}, "tcp://127.0.0.1:4711"), V{"ipc:///run/weft:0"});
  EXPECT_EQ(with_last_ports({"tcp://127.0.0.1:0"}, ""), V{"tcp://127.0.0.1:0"});
}

TEST(StateDir, AKeyIsMadeOnceAndReadAfterwards) {
  TempDir dir;
  const auto paths = prepare_state_dir(dir.file("a/b"));
  ASSERT_TRUE(paths) << to_string(paths.error());
  const auto made = load_or_make_key(paths->server_key, Role::operator_, "server", "");
  ASSERT_TRUE(made) << to_string(made.error());
  const auto read = load_or_make_key(paths->server_key, Role::operator_, "server", "");
  ASSERT_TRUE(read) << to_string(read.error());
  EXPECT_EQ(*made, *read);
}

}  // namespace
}  // namespace weft::broker
