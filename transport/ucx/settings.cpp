#include "transport/ucx/settings.hpp"

#include <cstdlib>
#include <string>

namespace weft::transport {
namespace {

struct Setting {
  const char* name;
  const char* value;
};

// - TLS: RDMA where there is any, TCP between hosts, shared memory inside a node. No "cma": the
// kernel
//   copies 4-8 GB/s a core, pays per page, and containers forbid it.
// - ERROR_HANDLING: without it UCX refuses shared memory for endpoints that report a dead peer.
// - KEEPALIVE: a peer that died without traffic under way. The kernel's probes cover hosts that
//   vanished; a frozen process answers them and so is no failure here.
constexpr Setting settings[] = {
    {"TLS", "rc,ud,tcp,posix,sysv,self"},
    {"POSIX_ERROR_HANDLING", "y"},
    {"SYSV_ERROR_HANDLING", "y"},
    {"KEEPALIVE_INTERVAL", "500ms"},
    {"TCP_KEEPIDLE", "2s"},
    {"TCP_KEEPINTVL", "1s"},
    {"TCP_KEEPCNT", "3"},
    {"WARN_UNUSED_ENV_VARS", "n"},
};

}  // namespace

Error ucx_error(const char* what, ucs_status_t status) {
  return {Code::mesh_rendezvous, std::string(what) + ": UCX says: " + ucs_status_string(status)};
}

Result<ucp_config_t*> read_settings() {
  ucp_config_t* config = nullptr;
  if (const auto status = ucp_config_read(nullptr, nullptr, &config); status != UCS_OK)
    return tl::make_unexpected(ucx_error("cannot read the UCX_* settings", status));
  for (const auto& setting : settings) {
    if (std::getenv((std::string("UCX_") + setting.name).c_str()) != nullptr) continue;
    const auto status = ucp_config_modify(config, setting.name, setting.value);
    if (status == UCS_OK) continue;
    ucp_config_release(config);
    return tl::make_unexpected(ucx_error(setting.name, status));
  }
  return config;
}

}  // namespace weft::transport
