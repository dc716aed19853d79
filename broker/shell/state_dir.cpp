#include "broker/shell/state_dir.hpp"

#include <errno.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "base/net/dealer.hpp"

namespace weft::broker {
namespace {

Result<void> make_dir(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) == 0) return {};
  struct stat found{};
  if (errno == EEXIST && stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) return {};
  return fail(Code::state_dir, fmt::format("{}: {}", path, std::strerror(errno)));
}

Result<void> make_dirs(const std::string& path, mode_t mode) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1))
    if (auto made = make_dir(path.substr(0, slash), 0755); !made) return made;
  return make_dir(path, mode);
}

// "tcp://host:port" -> "tcp://host:" and whether the port is left open; anything else: no port.
std::string_view before_port(std::string_view endpoint) {
  return endpoint.starts_with("tcp://") ? endpoint.substr(0, endpoint.rfind(':') + 1)
                                        : std::string_view();
}
bool open_port(std::string_view endpoint) {
  return endpoint.starts_with("tcp://") && (endpoint.ends_with(":0") || endpoint.ends_with(":*"));
}

}  // namespace

Result<StatePaths> prepare_state_dir(const std::string& dir) {
  auto made =
      make_dirs(dir, 0755).and_then([&] { return make_dir(dir + "/broker", 0700); }).and_then([&] {
        return make_dir(dir + "/keys", 0700);
      });
  if (!made) return tl::make_unexpected(made.error());
  return StatePaths{dir + "/broker/journal.db", dir + "/broker/lock",
                    dir + "/broker/server.key", dir + "/keys/operator.key",
                    dir + "/connection.yaml",   dir + "/broker/broker.log"};
}

Result<yaml::KeyFile> load_or_make_key(const std::string& path, Role role, const std::string& name,
                                       const std::string& account) {
  if (access(path.c_str(), F_OK) == 0) return yaml::read_key_file(path);
  const net::CurveKeys keys = net::make_curve_keys();
  yaml::KeyFile file;
  file.entry = {keys.public_key, role, name, account, false};
  file.secret.data = keys.secret.data;
  if (auto written = yaml::write_key_file(path, file); !written)
    return tl::make_unexpected(written.error());
  return file;
}

std::vector<std::string> with_last_ports(const std::vector<std::string>& wanted,
                                         const std::string& last) {
  std::vector<std::string> endpoints = wanted;
  for (std::string& endpoint : endpoints)
    if (open_port(endpoint) && before_port(endpoint) == before_port(last)) {
      endpoint = last;
      break;  // one endpoint is kept in the connection file
    }
  return endpoints;
}

}  // namespace weft::broker
