#include "broker/shell/drivers/linux/netlink.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace weft::broker::netns {
namespace {

constexpr std::size_t buffer_bytes = 256 << 10;  // the kernel's dumps come in 32 KiB pieces
constexpr int answer_seconds = 5;                // the kernel answers at once or never

std::string words(int error) { return std::strerror(error); }

}  // namespace

Result<Netlink> Netlink::open(std::uint32_t groups) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | (groups != 0 ? SOCK_NONBLOCK : 0),
                        NETLINK_ROUTE);
  if (fd < 0) return fail(Code::os_error, "netlink socket: " + words(errno));
  Netlink out(fd);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return fail(Code::os_error, "netlink socket: bind: " + words(errno));
  const int yes = 1, bytes = 1 << 20;
  setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof yes);
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof yes);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  const timeval patience{answer_seconds, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return out;
}

Netlink::Netlink(Netlink&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      sequence_(other.sequence_),
      buffer_(std::move(other.buffer_)) {}
Netlink& Netlink::operator=(Netlink&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(sequence_, other.sequence_);
  std::swap(buffer_, other.buffer_);
  return *this;
}
Netlink::~Netlink() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::uint32_t> Netlink::send(Request& request) {
  const auto bytes = request.finish(++sequence_);
  if (::send(fd_, bytes.data(), bytes.size(), 0) < 0)
    return fail(Code::os_error, "netlink: " + words(errno));
  return sequence_;
}

Result<std::span<const std::uint8_t>> Netlink::receive() {
  buffer_.resize(buffer_bytes);
  for (;;) {
    const auto got = recv(fd_, buffer_.data(), buffer_.size(), MSG_TRUNC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Code::os_error, "netlink: " + words(errno));
    if (static_cast<std::size_t>(got) > buffer_.size())
      return fail(Code::os_error, "netlink: a message of the kernel is too long");
    return std::span<const std::uint8_t>(buffer_.data(), static_cast<std::size_t>(got));
  }
}

// Until the acknowledgement, the end of a dump, or the one answer to a query.
Result<int> Netlink::collect(std::uint32_t sequence, bool multi, std::vector<Message>& out) {
  for (;;) {
    auto got = receive();
    if (!got) return tl::make_unexpected(got.error());
    auto rest = *got;
    while (rest.size() >= sizeof(nlmsghdr)) {
      nlmsghdr head{};
      std::memcpy(&head, rest.data(), sizeof head);
      if (head.nlmsg_len < sizeof head || head.nlmsg_len > rest.size()) break;
      const auto body = rest.subspan(sizeof head, head.nlmsg_len - sizeof head);
      rest = rest.subspan(std::min(aligned(head.nlmsg_len), rest.size()));
      if (head.nlmsg_seq != sequence) continue;  // of a request that was given up
      if (head.nlmsg_type == NLMSG_DONE) return 0;
      Message message{head.nlmsg_type, {body.begin(), body.end()}};
      if (head.nlmsg_type == NLMSG_ERROR) {
        const auto told = message.head<nlmsgerr>();
        said_.clear();
        if ((head.nlmsg_flags & NLM_F_ACK_TLVS) != 0 && (head.nlmsg_flags & NLM_F_CAPPED) != 0)
          said_ = Attributes(message, sizeof(nlmsgerr)).text(NLMSGERR_ATTR_MSG);
        return -told.error;
      }
      out.push_back(std::move(message));
      if (!multi) return 0;
    }
  }
}

Result<int> Netlink::attempt(Request& request) {
  auto bytes = request.finish(0);
  reinterpret_cast<nlmsghdr*>(bytes.data())->nlmsg_flags |= NLM_F_ACK;
  auto sent = send(request);
  if (!sent) return tl::make_unexpected(sent.error());
  std::vector<Message> none;
  return collect(*sent, true, none);
}

Result<void> Netlink::ask(Request& request, std::string_view what) {
  auto done = attempt(request);
  if (!done) return tl::make_unexpected(done.error());
  if (*done == 0) return {};
  return fail(Code::os_error,
              fmt::format("{}: {}{}{}", what, words(*done), said_.empty() ? "" : ": ", said_));
}

Result<std::vector<Message>> Netlink::dump(Request& request) {
  auto bytes = request.finish(0);
  reinterpret_cast<nlmsghdr*>(bytes.data())->nlmsg_flags |= NLM_F_DUMP;
  auto sent = send(request);
  if (!sent) return tl::make_unexpected(sent.error());
  std::vector<Message> out;
  auto ended = collect(*sent, true, out);
  if (!ended) return tl::make_unexpected(ended.error());
  if (*ended != 0) return fail(Code::os_error, "netlink dump: " + words(*ended));
  return out;
}

Result<Netlink::Answer> Netlink::query(Request& request) {
  auto sent = send(request);
  if (!sent) return tl::make_unexpected(sent.error());
  std::vector<Message> out;
  auto ended = collect(*sent, false, out);
  if (!ended) return tl::make_unexpected(ended.error());
  if (*ended != 0) return Answer{*ended, {}};
  if (out.empty()) return fail(Code::os_error, "netlink: no answer to a query");
  return Answer{0, std::move(out.front())};
}

std::vector<Message> Netlink::notifications(bool& lost) {
  std::vector<Message> out;
  buffer_.resize(buffer_bytes);
  for (;;) {
    const auto got = recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ENOBUFS) {
      lost = true;
      continue;
    }
    if (got <= 0) return out;
    std::span<const std::uint8_t> rest(buffer_.data(), static_cast<std::size_t>(got));
    while (rest.size() >= sizeof(nlmsghdr)) {
      nlmsghdr head{};
      std::memcpy(&head, rest.data(), sizeof head);
      if (head.nlmsg_len < sizeof head || head.nlmsg_len > rest.size()) break;
      const auto body = rest.subspan(sizeof head, head.nlmsg_len - sizeof head);
      out.push_back({head.nlmsg_type, {body.begin(), body.end()}});
      rest = rest.subspan(std::min(aligned(head.nlmsg_len), rest.size()));
    }
  }
}

}  // namespace weft::broker::netns
