// A client of the broker of a state directory, for the load programs.
// Thread: any. Errors: as client::find_key and Client::open.
#pragma once
#include <memory>
#include <string>

#include "client/client.hpp"
#include "client/state_dir.hpp"

namespace weft::bench {

inline Result<std::unique_ptr<client::Client>> connect(const std::string& state,
                                                       const std::string& as) {
  auto dir = client::find_state_dir(state);
  if (!dir) return tl::make_unexpected(dir.error());
  auto key = client::find_key(*dir, as, {"customer"});
  if (!key) return tl::make_unexpected(key.error());
  net::CurveKeys keys;
  keys.public_key = key->entry.principal;
  keys.secret.data = key->secret.data;
  return client::Client::open({.connection_file = dir->connection(), .connection = {}}, keys);
}

}  // namespace weft::bench
