#include "benchmarks/interference/roles.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>

#include "broker/shell/drivers/linux/enter.hpp"
#include "transport/mesh.hpp"

namespace weft::bench {
namespace {

constexpr std::uint16_t port = 9999;

void end_with_parent() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  alarm(120);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
}

sockaddr_in address_of(const std::string& text) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  inet_pton(AF_INET, text.c_str(), &out.sin_addr);
  return out;
}

int fail_with(const char* what) {
  std::perror(what);
  return 1;
}

// What is in its buffers ends with the connection: nothing comes after the noise.
void end_at_once(int fd) {
  const linger none{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

// One thread: sends and receives whatever can be, without waiting for any.
int pump(int listener, std::vector<pollfd> fds) {
  static char bytes[64 << 10];
  fds.push_back({listener, POLLIN, 0});
  for (;;) {
    if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return fail_with("poll");
    const std::size_t known = fds.size();
    for (std::size_t i = 0; i < known; ++i) {
      if (fds[i].revents == 0) continue;
      if (fds[i].fd == listener) {
        const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) continue;
        end_at_once(fd);
        fds.push_back({fd, POLLIN, 0});
      } else if ((fds[i].revents & POLLOUT) != 0) {
        if (send(fds[i].fd, bytes, sizeof bytes, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
          fds[i].fd = -1;  // the peer has ended; this process is about to
      } else if (recv(fds[i].fd, bytes, sizeof bytes, 0) == 0) {
        fds[i].fd = -1;
      }
    }
  }
}

}  // namespace

int rank(const std::vector<std::string>& arguments) {
  end_with_parent();
  // Hosts of a fabric don't share processors: who else needs this machine's has to wait a little.
  setpriority(PRIO_PROCESS, 0, -10);
  const std::size_t count = std::stoull(arguments.at(0)) / sizeof(float);
  const int times = std::stoi(arguments.at(1));
  auto mesh = Mesh::join();
  if (!mesh) {
    std::printf("error %s\n", to_string(mesh.error()).c_str());
    return 3;
  }
  std::vector<float> in(count, 1.0F), out(count);
  for (int i = 0; i < times + 2; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const auto done =
        (*mesh)->all_reduce(in.data(), out.data(), count, DataType::f32, ReduceOp::sum);
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    if (!done || out.back() != static_cast<float>((*mesh)->size())) {
      std::printf("error %s\n", done ? "a wrong sum" : to_string(done.error()).c_str());
      return 3;
    }
    if (i >= 2 && (*mesh)->rank() == 0) std::printf("us %.0f\n", took.count());
  }
  return (*mesh)->leave() ? 0 : 3;
}

int noise(const std::vector<std::string>& arguments) {
  end_with_parent();
  if (const auto entered = broker::netns::enter(arguments.at(0)); !entered) {
    std::fprintf(stderr, "%s\n", to_string(entered.error()).c_str());
    return 1;
  }
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const auto mine = address_of(arguments.at(1));
  if (bind(listener, reinterpret_cast<const sockaddr*>(&mine), sizeof mine) != 0 ||
      listen(listener, 64) != 0)
    return fail_with("listen");
  std::printf("listening 1\n");
  std::getchar();  // until all do: the parent closes our input
  std::vector<pollfd> fds;
  for (std::size_t i = 2; i < arguments.size(); ++i)
    for (int s = 0; s < streams; ++s) {
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      end_at_once(fd);
      const auto peer = address_of(arguments[i]);
      if (connect(fd, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0 &&
          errno != EINPROGRESS)
        return fail_with("connect");
      fds.push_back({fd, POLLOUT, 0});
    }
  return pump(listener, std::move(fds));
}

}  // namespace weft::bench
