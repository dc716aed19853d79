#include "transport/ucx/network.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <list>
#include <mutex>

#include "transport/ucx/settings.hpp"

namespace weft::transport {
namespace {

constexpr unsigned message_id = 1;  // the one active message; the Header's channel tells them apart

ucp_request_param_t request_param(void* user_data) {
  ucp_request_param_t param{};
  param.op_attr_mask =
      UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA | UCP_OP_ATTR_FIELD_FLAGS;
  param.user_data = user_data;
  return param;
}

void finish(Transfer& transfer, ucs_status_t status) {
  transfer.failed = status != UCS_OK;
  transfer.done = true;
}

void on_sent(void* request, ucs_status_t status, void* user_data) {
  finish(*static_cast<Transfer*>(user_data), status);
  ucp_request_free(request);
}

void on_fetched(void* request, ucs_status_t status, std::size_t, void* user_data) {
  finish(*static_cast<Transfer*>(user_data), status);
  ucp_request_free(request);
}

}  // namespace

struct Network::Impl {
  struct Peer {
    ucp_ep_h endpoint = nullptr;
    bool failed = false;
  };
  struct Tie {  // what an endpoint's error callback gets; stays in place
    Impl* impl;
    std::uint32_t rank;
  };
  struct Post {
    Transfer transfer;
    std::vector<std::uint8_t> bytes;
  };

  NetworkEvents* events = nullptr;
  ucp_context_h context = nullptr;
  ucp_worker_h worker = nullptr;
  int fd = -1;
  std::vector<Peer> peers;
  std::vector<Tie> ties;
  std::list<Post> posts;

  Result<void> open(const std::string& tag, const std::string& interface);
  ucs_status_t receive(const void* header, std::size_t header_size, void* data, std::size_t bytes,
                       const ucp_am_recv_param_t* param);

  static ucs_status_t on_message(void* self, const void* header, std::size_t header_size,
                                 void* data, std::size_t bytes, const ucp_am_recv_param_t* param) {
    return static_cast<Impl*>(self)->receive(header, header_size, data, bytes, param);
  }
  static void on_peer_error(void* tie, ucp_ep_h, ucs_status_t status) {
    auto& [self, rank] = *static_cast<Tie*>(tie);
    if (self->peers[rank].failed) return;
    self->peers[rank].failed = true;
    self->events->peer_failed(rank, ucs_status_string(status));
  }
};

Result<void> Network::Impl::open(const std::string& tag, const std::string& interface) {
  auto config = read_settings(interface);
  if (!config) return tl::make_unexpected(config.error());
  ucp_params_t params{};
  params.field_mask =
      UCP_PARAM_FIELD_FEATURES | UCP_PARAM_FIELD_ESTIMATED_NUM_EPS | UCP_PARAM_FIELD_NAME;
  params.features = UCP_FEATURE_AM | UCP_FEATURE_WAKEUP;
  // UCX leaves out a transport that it deems unfit for so many; a rank has few peers, rank 0
  // excepted.
  params.estimated_num_eps = std::min<std::size_t>(peers.size(), 32);
  params.name = tag.c_str();
  auto status = ucp_init(&params, *config, &context);
  ucp_config_release(*config);
  if (status != UCS_OK) return tl::make_unexpected(ucx_error("cannot start UCX", status));

  ucp_worker_params_t worker_params{};
  worker_params.field_mask = UCP_WORKER_PARAM_FIELD_THREAD_MODE;
  worker_params.thread_mode = UCS_THREAD_MODE_SERIALIZED;
  status = ucp_worker_create(context, &worker_params, &worker);
  if (status != UCS_OK) return tl::make_unexpected(ucx_error("cannot make a UCX worker", status));

  ucp_am_handler_param_t handler{};
  handler.field_mask = UCP_AM_HANDLER_PARAM_FIELD_ID | UCP_AM_HANDLER_PARAM_FIELD_CB |
                       UCP_AM_HANDLER_PARAM_FIELD_ARG;
  handler.id = message_id;
  handler.cb = on_message;
  handler.arg = this;
  status = ucp_worker_set_am_recv_handler(worker, &handler);
  if (status != UCS_OK) return tl::make_unexpected(ucx_error("cannot receive messages", status));
  status = ucp_worker_get_efd(worker, &fd);
  if (status != UCS_OK) return tl::make_unexpected(ucx_error("cannot wait for messages", status));
  return {};
}

ucs_status_t Network::Impl::receive(const void* header, std::size_t header_size, void* data,
                                    std::size_t bytes, const ucp_am_recv_param_t* param) {
  Arrival arrival;
  if (!read_header(header, header_size, arrival.header)) return UCS_OK;
  arrival.data = data;
  arrival.bytes = bytes;
  arrival.rendezvous = (param->recv_attr & UCP_AM_RECV_ATTR_FLAG_RNDV) != 0;
  arrival.keepable = arrival.rendezvous || (param->recv_attr & UCP_AM_RECV_ATTR_FLAG_DATA) != 0;
  return events->arrived(arrival) == Verdict::kept ? UCS_INPROGRESS : UCS_OK;
}

Result<std::unique_ptr<Network>> Network::open(NetworkEvents& events, std::uint32_t size,
                                               const std::string& tag,
                                               const std::string& interface) {
  auto impl = std::make_unique<Impl>();
  impl->events = &events;
  impl->peers.resize(size);
  for (std::uint32_t rank = 0; rank < size; ++rank) impl->ties.push_back({impl.get(), rank});
  auto network = std::unique_ptr<Network>(new Network(std::move(impl)));
  if (auto opened = network->impl_->open(tag, interface); !opened)
    return tl::make_unexpected(opened.error());
  return network;
}

Network::Network(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

void Network::abandon() {
  static std::mutex mutex;
  static auto& kept = *new std::vector<std::unique_ptr<Impl>>;  // never destroyed
  const std::lock_guard lock(mutex);
  kept.push_back(std::move(impl_));
}

Network::~Network() {
  if (!impl_) return;
  if (impl_->worker != nullptr) {
    close_all(false, 500);
    ucp_worker_destroy(impl_->worker);
  }
  if (impl_->context != nullptr) ucp_cleanup(impl_->context);
}

Result<std::vector<std::uint8_t>> Network::address(bool net_only) const {
  ucp_worker_attr_t attr{};
  attr.field_mask = UCP_WORKER_ATTR_FIELD_ADDRESS | UCP_WORKER_ATTR_FIELD_ADDRESS_FLAGS;
  attr.address_flags = net_only ? UCP_WORKER_ADDRESS_FLAG_NET_ONLY : 0;
  if (const auto status = ucp_worker_query(impl_->worker, &attr); status != UCS_OK)
    return tl::make_unexpected(ucx_error("cannot tell my address", status));
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(attr.address);
  std::vector<std::uint8_t> address(bytes, bytes + attr.address_length);
  ucp_worker_release_address(impl_->worker, attr.address);
  return address;
}

Result<void> Network::connect(std::uint32_t rank, const std::vector<std::uint8_t>& address) {
  auto& peer = impl_->peers[rank];
  if (peer.endpoint != nullptr) return {};
  ucp_ep_params_t params{};
  params.field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS | UCP_EP_PARAM_FIELD_ERR_HANDLING_MODE |
                      UCP_EP_PARAM_FIELD_ERR_HANDLER;
  params.address = reinterpret_cast<const ucp_address_t*>(address.data());
  params.err_mode = UCP_ERR_HANDLING_MODE_PEER;
  params.err_handler = {Impl::on_peer_error, &impl_->ties[rank]};
  if (const auto status = ucp_ep_create(impl_->worker, &params, &peer.endpoint); status != UCS_OK) {
    peer.endpoint = nullptr;
    return tl::make_unexpected(
        ucx_error(("no way to rank " + std::to_string(rank)).c_str(), status));
  }
  return {};
}

bool Network::connected(std::uint32_t rank) const {
  const auto& peer = impl_->peers[rank];
  return peer.endpoint != nullptr && !peer.failed;
}

std::string Network::transports_of(std::uint32_t rank) const {
  if (impl_->peers[rank].endpoint == nullptr) return {};
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* memory = open_memstream(&text, &size);
  ucp_ep_print_info(impl_->peers[rank].endpoint, memory);
  std::fclose(memory);
  std::string info(text, size);
  std::free(text);
  return info;
}

void Network::send(std::uint32_t to, Transfer& transfer, const void* data, std::size_t bytes,
                   bool eager) {
  auto& peer = impl_->peers[to];
  if (peer.endpoint == nullptr || peer.failed) return finish(transfer, UCS_ERR_UNREACHABLE);
  transfer.done = false;
  transfer.failed = false;
  auto param = request_param(&transfer);
  param.cb.send = on_sent;
  param.flags = eager ? UCP_AM_SEND_FLAG_EAGER : UCP_AM_SEND_FLAG_RNDV;
  auto* request = ucp_am_send_nbx(peer.endpoint, message_id, &transfer.header,
                                  sizeof transfer.header, data, bytes, &param);
  if (!UCS_PTR_IS_PTR(request)) finish(transfer, UCS_PTR_RAW_STATUS(request));
}

void Network::post(std::uint32_t to, const Header& header, std::vector<std::uint8_t> bytes) {
  auto& post = impl_->posts.emplace_back();
  post.bytes = std::move(bytes);
  post.transfer.header = header;
  send(to, post.transfer, post.bytes.data(), post.bytes.size(), true);
}

void Network::fetch(void* data, void* into, std::size_t bytes, Transfer& transfer) {
  transfer.done = false;
  transfer.failed = false;
  auto param = request_param(&transfer);
  param.op_attr_mask &= ~static_cast<std::uint32_t>(UCP_OP_ATTR_FIELD_FLAGS);
  param.cb.recv_am = on_fetched;
  auto* request = ucp_am_recv_data_nbx(impl_->worker, data, into, bytes, &param);
  if (!UCS_PTR_IS_PTR(request)) finish(transfer, UCS_PTR_RAW_STATUS(request));
}

void Network::release(void* data) { ucp_am_data_release(impl_->worker, data); }

unsigned Network::progress() {
  const unsigned moved = ucp_worker_progress(impl_->worker);
  if (!impl_->posts.empty())
    impl_->posts.remove_if([](const auto& post) { return post.transfer.done; });
  return moved;
}

bool Network::arm() { return ucp_worker_arm(impl_->worker) == UCS_OK; }
int Network::event_fd() const { return impl_->fd; }
std::size_t Network::posts_pending() const { return impl_->posts.size(); }

void Network::close_all(bool flush, int milliseconds) {
  std::vector<void*> closing;
  for (auto& peer : impl_->peers) {
    if (peer.endpoint == nullptr) continue;
    ucp_request_param_t param{};
    param.op_attr_mask = UCP_OP_ATTR_FIELD_FLAGS;
    param.flags = flush && !peer.failed ? 0 : UCP_EP_CLOSE_FLAG_FORCE;
    if (auto* request = ucp_ep_close_nbx(peer.endpoint, &param); UCS_PTR_IS_PTR(request))
      closing.push_back(request);
    peer = {nullptr, true};
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  const auto open = [](void* request) {
    return ucp_request_check_status(request) == UCS_INPROGRESS;
  };
  while (!closing.empty()) {
    progress();
    std::erase_if(closing, [&](void* request) {
      if (open(request)) return false;
      ucp_request_free(request);
      return true;
    });
    if (std::chrono::steady_clock::now() > end) break;
  }
  for (auto* request : closing) ucp_request_free(request);
}

}  // namespace weft::transport
