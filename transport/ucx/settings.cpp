#include "transport/ucx/settings.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace weft::transport {
namespace {

struct Setting {
  const char* name;  // as ucp_config_modify wants it: relative to the transport's own table
  const char* value;
  const char* environment;  // the user's variable for the same
};

// - ERROR_HANDLING: without it UCX refuses shared memory for endpoints that report a dead peer.
// - KEEPALIVE: a peer that died without traffic under way. The kernel's probes cover hosts that
//   vanished; a frozen process answers them and so is no failure here.
constexpr Setting settings[] = {
    {"MM_ERROR_HANDLING", "y", "UCX_MM_ERROR_HANDLING"},
    {"KEEPALIVE_INTERVAL", "500ms", "UCX_KEEPALIVE_INTERVAL"},
    {"KEEPIDLE", "2s", "UCX_TCP_KEEPIDLE"},
    {"KEEPINTVL", "1s", "UCX_TCP_KEEPINTVL"},
    {"KEEPCNT", "3", "UCX_TCP_KEEPCNT"},
};

bool rdma_is_here() {
  std::error_code none;
  return std::filesystem::directory_iterator("/sys/class/infiniband", none) !=
         std::filesystem::directory_iterator();
}

// RDMA where there is any, TCP between nodes, shared memory inside one. Not "cma": the kernel
// copies 4-8 GB/s a core, pays per page, and containers forbid it. Not "sysv": it cannot tell a
// dead peer.
const char* transports() { return rdma_is_here() ? "rc,ud,tcp,posix,self" : "tcp,posix,self"; }

// UCX warns of a setting that no transport uses.
bool without_shared_memory() {
  const char* chosen = std::getenv("UCX_TLS");
  if (chosen == nullptr) return false;
  const std::string_view tls(chosen);
  for (const char* name : {"posix", "sysv", "mm", "sm", "shm", "all"})
    if (tls.find(name) != std::string_view::npos) return false;
  return true;
}

Result<void> modify(ucp_config_t* config, const Setting& setting) {
  if (std::getenv(setting.environment) != nullptr) return {};
  if (std::string_view(setting.name).starts_with("MM_") && without_shared_memory()) return {};
  const auto status = ucp_config_modify(config, setting.name, setting.value);
  if (status != UCS_OK) return tl::make_unexpected(ucx_error(setting.name, status));
  return {};
}

}  // namespace

Error ucx_error(const char* what, ucs_status_t status) {
  return {Code::mesh_rendezvous, std::string(what) + ": UCX says: " + ucs_status_string(status)};
}

Result<ucp_config_t*> read_settings(const std::string& interface) {
  ucp_config_t* config = nullptr;
  if (const auto status = ucp_config_read(nullptr, nullptr, &config); status != UCS_OK)
    return tl::make_unexpected(ucx_error("cannot read the UCX_* settings", status));
  auto result = modify(config, {"TLS", transports(), "UCX_TLS"});
  // A machine has interfaces that lead nowhere (bridges of containers), and UCX cannot tell which.
  // With RDMA the names are those of its devices, and the choice is left to UCX.
  if (result && !interface.empty() && !rdma_is_here())
    result = modify(config, {"NET_DEVICES", interface.c_str(), "UCX_NET_DEVICES"});
  for (const auto& setting : settings)
    if (result) result = modify(config, setting);
  if (!result) {
    ucp_config_release(config);
    return tl::make_unexpected(result.error());
  }
  return config;
}

}  // namespace weft::transport
