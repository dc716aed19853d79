// UCX configuration as weft sets it. The user's UCX_* variables win.
#pragma once
#include <ucp/api/ucp.h>

#include <string>

#include "base/result.hpp"

namespace weft::transport {

// The caller releases it with ucp_config_release.
Result<ucp_config_t*> read_settings(const std::string& interface);
// "what: reason of UCX": every UCX failure as an Error of Code::mesh_rendezvous.
Error ucx_error(const char* what, ucs_status_t status);

}  // namespace weft::transport
