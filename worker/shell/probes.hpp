// Probe processes (weft-probe, transport/probe), one a ticket: started with what the slice tells
// its ranks, told what the broker orders, heard until they end. They end with the worker. Owns:
// their sockets and processes. Thread: the worker's.
#pragma once
#include <sys/types.h>

#include <functional>
#include <map>

#include "schemas/worker.hpp"
#include "worker/shell/files.hpp"
#include "worker/shell/options.hpp"

namespace weft::worker {

class Probes {
 public:
  struct Hooks {
    std::function<void(ReportBody)> said;
    std::function<void(int)> watch, unwatch;
  };
  Probes(const Options& options, Hooks hooks) : options_(options), hooks_(std::move(hooks)) {}
  ~Probes();
  Probes(const Probes&) = delete;
  Probes& operator=(const Probes&) = delete;

  void obey(const OrderBody& order);
  bool owns(int fd) const { return probes_.contains(fd); }
  void readable(int fd);

 private:
  static constexpr std::size_t probes_max = 16;
  struct Probe {
    Fd socket;
    pid_t pid = 0;
    std::uint64_t ticket = 0;
    bool opened = false;
  };
  void open(const ProbeOpen& order);
  Result<void> start(const ProbeOpen& order);
  void refuse(std::uint64_t ticket, const Error& why);
  void end(int fd);
  Probe* find(std::uint64_t ticket);

  const Options& options_;
  Hooks hooks_;
  std::map<int, Probe> probes_;  // by their sockets
};

}  // namespace weft::worker
