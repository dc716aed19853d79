// The small files by which weft's programs find and trust each other, as YAML.
//   connection.yaml  public; written by the broker once its sockets are bound (write aside, rename)
//   NAME.key         a CURVE key pair and who it is; mode 0600, refused when others can read it
// Errors: broker.not_found (no such file), state.dir (unreadable, wrong mode), spec.* with
// file:line:col. Thread: any.
#pragma once
#include <string>

#include "base/result.hpp"
#include "schemas/state.hpp"

namespace weft::yaml {

struct Connection {
  std::string clients;  // ZeroMQ endpoint for clients, e.g. tcp://127.0.0.1:41733
  std::string workers;  // for workers
  Principal server;     // the broker's public key
  bool operator==(const Connection&) const = default;
};
Result<Connection> read_connection(const std::string& path);
Result<void> write_connection(const std::string& path, const Connection& connection);

struct KeyFile {
  KeyEntry entry;  // name, role, account, principal
  Bytes<32> secret;
  bool operator==(const KeyFile&) const = default;
};
Result<KeyFile> read_key_file(const std::string& path);
Result<void> write_key_file(const std::string& path, const KeyFile& key);  // creates, mode 0600

}  // namespace weft::yaml
