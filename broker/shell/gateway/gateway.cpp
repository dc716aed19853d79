#include "broker/shell/gateway/gateway.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "broker/shell/frame_link.hpp"
#include "broker/shell/gateway/confine.hpp"
#include "broker/shell/gateway/self_test.hpp"
#include "broker/shell/gateway/serving.hpp"

namespace weft::broker {
namespace {

void send_text(FrameLink& link, FrameKind kind, const std::string& text) {
  FrameHeader header;
  header.kind = kind;
  link.send(header, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  (void)link.flush_all();
}

// The setup and the first whole allow-list; nothing when the core left or said something else.
struct Start {
  GatewaySetup setup;
  std::vector<AllowedKey> keys;
};
std::optional<Start> read_start(FrameLink& link) {
  Start start;
  bool have_setup = false;
  for (;;) {
    const auto frame = link.next();
    if (!frame) return std::nullopt;
    if (!*frame) {
      pollfd readable{link.fd(), POLLIN, 0};
      poll(&readable, 1, -1);
      const auto alive = link.receive();
      if (!alive || !*alive) return std::nullopt;
      continue;
    }
    const FrameKind kind = (*frame)->header.kind;
    if (kind == FrameKind::setup) {
      const auto setup = unpack_setup((*frame)->payload);
      if (!setup) return std::nullopt;
      start.setup = *setup;
      have_setup = true;
    } else if (kind == FrameKind::allow_part) {
      const auto keys = unpack_allowed((*frame)->payload);
      start.keys.insert(start.keys.end(), keys.begin(), keys.end());
    } else if (kind == FrameKind::allow_done) {
      return have_setup ? std::optional(start) : std::nullopt;
    } else if (kind != FrameKind::ping) {
      return std::nullopt;
    }
  }
}

// libzmq never seeds rand(), from which a ROUTER's first routing id comes: in every process the
// same.
void seed_rand() {
  unsigned seed = 0;
  if (getrandom(&seed, sizeof seed, 0) == sizeof seed) srand(seed);
}

// CURVE guards an ipc endpoint as it guards a TCP port: the file's mode should not.
void open_ipc_to_all(const std::string& endpoint) {
  if (endpoint.starts_with("ipc://") && !endpoint.starts_with("ipc://@"))
    (void)chmod(endpoint.c_str() + 6, 0666);
}

Result<std::string> bind_all(Router& router, const std::string& endpoints) {
  std::string all;
  for (std::size_t at = 0; at < endpoints.size();) {
    const std::size_t end = std::min(endpoints.find('\n', at), endpoints.size());
    auto bound = router.bind(endpoints.substr(at, end - at));
    if (!bound) return bound;
    open_ipc_to_all(*bound);
    all += (all.empty() ? "" : "\n") + *bound;
    at = end + 1;
  }
  return all;
}

}  // namespace

int run_gateway(int fd, int parent_pid) {
  FrameLink link(fd);
  const auto broken = [&](const Error& error) {
    send_text(link, FrameKind::broken, to_string(error));
    return 1;
  };
  if (auto confined = confine_early(parent_pid); !confined) return broken(confined.error());
  const auto start = read_start(link);
  if (!start) return 0;
  net::CurveSecret secret;
  secret.data = start->setup.secret.data;
  const auto server = net::public_key_of(secret);
  if (!server) return broken(server.error());

  seed_rand();
  net::Context context;
  zmq_ctx_set(context.native(), ZMQ_MAX_SOCKETS, 65'000);
  auto zap = ZapHandler::make(context, start->setup.workers != 0);  // before anything is bound
  if (!zap) return broken(zap.error());
  auto router = Router::make(context, secret);
  if (!router) return broken(router.error());
  const auto first_number = self_test(context, **router, **zap, *server);
  if (!first_number) return broken(first_number.error());
  (*zap)->replace(start->keys);
  const auto bound = bind_all(**router, start->setup.endpoints);
  if (!bound) return broken(bound.error());
  if (auto confined = confine_late(parent_pid, start->setup.memory_bytes_max); !confined)
    return broken(confined.error());
  send_text(link, FrameKind::ready, *bound);
  return Serving(link, **router, **zap,
                 session_base(start->setup.workers == 0, start->setup.generation), *first_number)
      .run();
}

}  // namespace weft::broker
