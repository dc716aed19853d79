#include "client/state_dir.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace weft::client {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::vector<std::string> key_names(const StateDir& state) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(state.keys(), error))
    if (entry.path().extension() == ".key") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

}  // namespace

Result<StateDir> find_state_dir(const std::string& given) {
  std::string path = given;
  if (path.empty()) path = environment("WEFT_STATE");
  if (path.empty()) {
    std::string base = environment("XDG_STATE_HOME");
    if (base.empty()) {
      const std::string home = environment("HOME");
      if (home.empty())
        return fail(Code::state_dir,
                    "no --state DIR given, and neither WEFT_STATE, XDG_STATE_HOME nor HOME is set");
      base = home + "/.local/state";
    }
    path = base + "/weft";
  }
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error).lexically_normal();
  if (error) return fail(Code::state_dir, fmt::format("{}: {}", path, error.message()));
  std::string root = absolute.string();
  while (root.size() > 1 && root.back() == '/') root.pop_back();
  return StateDir{root};
}

Result<yaml::KeyFile> find_key(const StateDir& state, const std::string& as,
                               const std::vector<std::string>& natural) {
  if (!as.empty()) {
    if (exists(state.key(as))) return yaml::read_key_file(state.key(as));
    const auto names = key_names(state);
    return fail(Code::auth_unknown_key,
                fmt::format("--as {}: there is no {}; the keys here are: {}", as, state.key(as),
                            names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
  }
  for (const std::string& name : natural)
    if (exists(state.key(name))) return yaml::read_key_file(state.key(name));
  const auto names = key_names(state);
  if (names.size() == 1) return yaml::read_key_file(state.key(names.front()));
  if (names.empty())
    return fail(
        Code::auth_unknown_key,
        fmt::format("no key in {}; put the key file that the operator gave you there as NAME.key",
                    state.keys()));
  return fail(Code::auth_unknown_key,
              fmt::format("{} has no {}.key; say --as NAME with one of: {}", state.keys(),
                          fmt::join(natural, ".key or "), fmt::join(names, ", ")));
}

}  // namespace weft::client
