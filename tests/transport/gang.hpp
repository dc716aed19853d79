// A gang of rank processes under test, with the worker's side, and optionally each node in a
// network namespace of its own.
#pragma once
#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/transport/worker_side.hpp"

namespace weft::test {

// Namespaces joined by a bridge, made with ip(8), removed at the end. Needs root.
class Fabric {
 public:
  static bool possible();
  explicit Fabric(std::size_t nodes);
  ~Fabric();
  [[nodiscard]] std::string name_of(std::size_t node) const;

 private:
  std::size_t nodes_;
  std::string prefix_;
};

struct Place {  // of a node: a network namespace that there is, and its address in it
  std::string space, address;
};

struct Shape {
  std::uint32_t nodes = 1, ranks_per_node = 1;
  std::uint64_t attempt = 7;
  std::uint32_t generation = 3;
  bool namespaces = false;
  std::map<std::string, std::string> environment = {};
  std::vector<std::uint32_t> absent = {};       // ranks that are never started
  std::string program = "transport-test-rank";  // in the folder of programs
  std::vector<Place> places = {};               // of the nodes; instead of `namespaces`
};

struct Outcome {
  bool exited = false;
  int code = -1, signal = 0;
  std::string output;
  [[nodiscard]] std::string value(const std::string& key) const;  // of the line "key value"
  [[nodiscard]] long long number(const std::string& key) const;
};

class Gang {
 public:
  Gang(const Shape& shape, const std::vector<std::string>& scenario);
  ~Gang();  // kills what is left

  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(pids_.size()); }
  WorkerSide& worker() { return *worker_; }
  void signal(std::uint32_t rank, int number);
  // Until `rank` has printed a line that starts with `key`; false when it did not within the time.
  bool wait_for(std::uint32_t rank, const std::string& key, int milliseconds = 20'000);
  // Of all ranks, once all have ended; kills them after the time.
  std::vector<Outcome> finish(int milliseconds = 60'000);
  [[nodiscard]] std::string output_of(std::uint32_t rank) const;

 private:
  [[nodiscard]] std::string file_of(std::uint32_t rank) const;
  pid_t spawn(std::uint32_t rank, const std::vector<std::string>& scenario);

  Shape shape_;
  std::string folder_;
  std::unique_ptr<Fabric> fabric_;
  std::unique_ptr<WorkerSide> worker_;
  std::vector<pid_t> pids_;  // 0: absent or reaped
  std::vector<Outcome> outcomes_;
};

long long monotonic_ms();

}  // namespace weft::test
