#include "worker/shell/launcher.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/log.hpp"
#include "schemas/codec.hpp"
#include "worker/shell/clock.hpp"
#include "worker/shell/holder.hpp"

namespace weft::worker {
namespace {

// Between two halves of one process image: never stored, never seen by another build.
struct Wish {
  std::uint64_t attempt;
  std::int64_t deadline_ms;
};

bool send_wish(int socket, const Wish& wish, int fd) {
  iovec data{const_cast<Wish*>(&wish), sizeof wish};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof wish);
}

// False: the worker is gone.
bool receive_wish(int socket, Wish& wish, Fd& fd) {
  iovec data{&wish, sizeof wish};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  ssize_t n = 0;
  do n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n != static_cast<ssize_t>(sizeof wish)) return false;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return false;
  int received = -1;
  std::memcpy(&received, CMSG_DATA(header), sizeof received);
  fd = Fd(received);
  return true;
}

// The codec looks up its schema at first use: done here, every holder inherits it.
void warm_up() {
  (void)boot_id();
  Envelope envelope;
  envelope.body = HolderState{};
  (void)decode_envelope(encode(envelope));
  envelope.body = HolderOrder{HolderGo{}};
  (void)decode_envelope(encode(envelope));
  envelope.body = Order{Prepare{}};
  (void)decode_envelope(encode(envelope));
}

// Also those at the top of the heap, where what a launch needs more will be.
void own_heap_pages() {
  constexpr std::size_t bytes = 96 << 10;  // below what malloc maps apart or gives back at once
  if (void* pages = std::malloc(bytes)) {
    std::memset(pages, 1, bytes);
    asm volatile("" : : "r"(pages) : "memory");  // written, although nobody reads it
    std::free(pages);
  }
}

// A spare holder: forked before it is wanted, with the pages that a launch writes to already its
// own (a fork's first write to each page is a fault, and a launch writes to hundreds). Waits for a
// wish.
[[noreturn]] void run_spare(const Options& options, Fd socket, Fd taken) {
  ::signal(SIGCHLD, SIG_DFL);
  ::setsid();
  ::prctl(PR_SET_NAME, "weft-spare", 0, 0, 0);
  warm_up();
  own_heap_pages();
  Wish wish{};
  Fd link;
  if (!receive_wish(socket.get(), wish, link)) ::_exit(0);
  const char yes = 1;
  (void)!::write(taken.get(), &yes, 1);
  socket.reset();
  taken.reset();
  ::_exit(run_holder(options, AttemptId{wish.attempt}, Instant{wish.deadline_ms}, std::move(link)));
}

bool worker_is_gone(int socket) {
  pollfd watched{socket, 0, 0};
  return ::poll(&watched, 1, 0) > 0 && (watched.revents & (POLLHUP | POLLERR)) != 0;
}

// Until the spare has taken a wish; false: it ended without.
bool wait_until_taken(int taken) {
  char byte = 0;
  ssize_t n = 0;
  do n = ::read(taken, &byte, 1);
  while (n < 0 && errno == EINTR);
  return n == 1;
}

constexpr int after_launch_ms = 50;  // the next spare comes when the launch is done, or is wanted
constexpr int after_failure_ms = 20;

// Without a spare: the next wish's link is closed, by which the worker knows that the launch
// failed.
void refuse_one(int socket) {
  const int number = errno;
  Wish wish{};
  Fd link;
  if (receive_wish(socket, wish, link))
    log::error("no holder for attempt {}: {}", wish.attempt, std::strerror(number));
}

[[noreturn]] void run_launcher(const Options& options, Fd socket) {
  ::setsid();  // a terminal's Ctrl-C is the worker's affair
  ::prctl(PR_SET_NAME, "weft-launcher", 0, 0, 0);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD}) ::signal(number, SIG_IGN);
  warm_up();
  while (!worker_is_gone(socket.get())) {
    int ends[2] = {-1, -1};
    const bool piped = ::pipe2(ends, O_CLOEXEC) == 0;
    Fd reading(ends[0]), writing(ends[1]);
    const pid_t pid = piped ? ::fork() : -1;
    if (pid == 0) {
      reading.reset();
      run_spare(options, std::move(socket), std::move(writing));
    }
    if (pid < 0) {
      refuse_one(socket.get());
      continue;
    }
    writing.reset();
    pollfd wanted{socket.get(), POLLIN, 0};
    if (wait_until_taken(reading.get()))
      ::poll(&wanted, 1, after_launch_ms);
    else if (!worker_is_gone(socket.get()))
      ::poll(nullptr, 0, after_failure_ms);  // a spare that was killed
  }
  ::_exit(0);
}

}  // namespace

Result<Launcher> Launcher::start(const Options& options) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return tl::make_unexpected(errno_error(Code::os_error, "socketpair", errno));
  Fd mine(ends[0]), its(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return tl::make_unexpected(errno_error(Code::os_error, "fork", errno));
  if (pid == 0) {
    mine.reset();
    run_launcher(options, std::move(its));
  }
  return Launcher(std::move(mine));
}

Result<Fd> Launcher::launch(AttemptId attempt, Instant deadline) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return tl::make_unexpected(errno_error(Code::os_error, "socketpair", errno));
  Fd mine(ends[0]), its(ends[1]);
  if (!send_wish(socket_.get(), {attempt.value, deadline.ms}, its.get()))
    return tl::make_unexpected(errno_error(Code::os_error, "the launcher process", errno));
  return mine;
}

}  // namespace weft::worker
