// The worker's end of the rank protocol, for tests: one listening socket a node, one thread for
// all. It does what weft-worker and the broker do between them for a mesh: hands rank 0's address
// to every rank, and repeats to the ranks whatever the test has to say.
#pragma once
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "schemas/rank.hpp"

namespace weft::test {

class WorkerSide {
 public:
  WorkerSide(std::string folder, std::size_t nodes, AttemptId attempt, std::uint32_t generation);
  ~WorkerSide();

  [[nodiscard]] std::string socket_of(std::size_t node) const;
  void tell_all(const RankHearsBody& body);
  void restart(std::size_t node);  // closes the socket and every line, listens again
  void withhold_seed() { withhold_ = true; }

  [[nodiscard]] std::vector<RankBlames> blames();
  [[nodiscard]] std::vector<RankProgress> progress();
  [[nodiscard]] std::vector<std::uint32_t> byes();
  [[nodiscard]] int hellos(std::uint32_t rank);
  [[nodiscard]] std::vector<std::uint8_t> seed();

 private:
  struct Line {
    int fd;
    std::size_t node;
    std::uint32_t rank;
    bool hello;
  };
  void run();
  void listen_on(std::size_t node);
  void hear(Line& line);
  void tell(const Line& line, const RankHearsBody& body);

  const std::string folder_;
  const AttemptId attempt_;
  const std::uint32_t generation_;
  std::mutex mutex_;
  std::vector<int> listeners_;
  std::vector<Line> lines_;
  std::vector<std::uint8_t> seed_;
  std::vector<RankBlames> blames_;
  std::vector<RankProgress> progress_;
  std::vector<std::uint32_t> byes_;
  std::map<std::uint32_t, int> hellos_;
  std::vector<std::string> said_;
  std::atomic<bool> stop_{false}, withhold_{false};
  std::thread thread_;
};

}  // namespace weft::test
