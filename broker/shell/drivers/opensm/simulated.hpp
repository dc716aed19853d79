// A fabric of ibsim with a real OpenSM on it, in a folder of its own: for tests, benchmarks and
// trying things out. The processes are children of this one and end with it. Whoever talks to the
// fabric must be started with environment() (libumad2sim takes the place of the kernel).
// Thread: one. Errors: fabric_tools, os_error.
#pragma once
#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "broker/fabric/model/fabric.hpp"
#include "broker/fabric/routes/routes.hpp"

namespace weft::broker {

class Simulated {
 public:
  // `folder`: absolute, there, empty; `socket`: of no other simulated fabric on this machine. The
  // first host is the manager's and must be reserved; one rail. Starts ibsim, waits until it
  // answers, and writes the files that OpenSM is started with.
  static Result<std::unique_ptr<Simulated>> start(const fabric::Fabric& fabric, std::string folder,
                                                  std::string socket);
  ~Simulated();
  Simulated(const Simulated&) = delete;
  Simulated& operator=(const Simulated&) = delete;

  // LD_PRELOAD, IBSIM_SOCKNAME and where OpenSM keeps its files.
  static Result<std::vector<std::pair<std::string, std::string>>> environment(
      const std::string& folder, const std::string& socket);

  // OpenSM, with the files that are in the folder then; does not wait until it has swept. Its
  // process id is in the file opensm.pid.
  Result<void> start_manager();
  void kill_manager();  // and waits for its end
  pid_t manager() const { return manager_; }
  const std::string& folder() const { return folder_; }

  // Takes a link away or puts it back, by its lower end.
  Result<void> unlink(fabric::At below, std::uint32_t up);
  Result<void> relink(fabric::At below, std::uint32_t up);
  // One line for ibsim's console.
  Result<void> console(const std::string& line);

 private:
  Simulated(const fabric::Fabric& fabric, std::string folder, std::string socket)
      : fabric_(fabric), folder_(std::move(folder)), socket_(std::move(socket)) {}
  Result<void> start_ibsim();
  std::string end_of(fabric::At at, std::uint8_t port) const;

  fabric::Fabric fabric_;
  std::string folder_, socket_;
  pid_t ibsim_ = 0, manager_ = 0;
  int console_ = -1;
};

// As ibnetdiscover prints it, hosts first: ibsim attaches to the first node of the file.
std::string ibsim_net(const fabric::Rail& rail);

}  // namespace weft::broker
