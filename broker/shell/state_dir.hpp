// The files of a broker's state directory besides the journal. Errors: state.dir.
#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"
#include "schemas/state.hpp"
#include "schemas/yaml/files.hpp"

namespace weft::broker {

struct StatePaths {
  std::string journal, lock, server_key, operator_key, connection, log;
};
// Creates DIR, DIR/broker and DIR/keys (0700 but DIR itself, which others may look through for the
// connection file).
Result<StatePaths> prepare_state_dir(const std::string& dir);

// The key in `path`, made at the first start.
Result<yaml::KeyFile> load_or_make_key(const std::string& path, Role role, const std::string& name,
                                       const std::string& account);

// Endpoints with the ports that the last broker had, where the wanted ones leave the port open:
// clients and workers find the broker again after a restart.
std::vector<std::string> with_last_ports(const std::vector<std::string>& wanted,
                                         const std::string& last);

}  // namespace weft::broker
