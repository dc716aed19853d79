// Where things lie in a state directory, and which one is meant when nobody says so:
// $WEFT_STATE, else $XDG_STATE_HOME/weft, else ~/.local/state/weft.
//   connection.yaml | keys/NAME.key | broker/ | nodes/NAME/ | jobs/ID/ | up.yaml
// Thread: any.
#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"
#include "schemas/yaml/files.hpp"

namespace weft::client {

struct StateDir {
  std::string root;  // absolute, no trailing slash

  std::string connection() const { return root + "/connection.yaml"; }
  std::string keys() const { return root + "/keys"; }
  std::string key(const std::string& name) const { return keys() + "/" + name + ".key"; }
  std::string broker() const { return root + "/broker"; }
  std::string node(const std::string& name) const { return root + "/nodes/" + name; }
  std::string jobs() const { return root + "/jobs"; }
};

// `given` empty: the default. state.dir when there is no home to derive it from.
Result<StateDir> find_state_dir(const std::string& given);

// The key with which to speak: keys/AS.key when `as` is not empty, else the first of `natural` that
// exists, else the only key that is there. auth.unknown_key names what was looked for.
Result<yaml::KeyFile> find_key(const StateDir& state, const std::string& as,
                               const std::vector<std::string>& natural);

}  // namespace weft::client
