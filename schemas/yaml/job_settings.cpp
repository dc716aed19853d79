#include <fmt/format.h>

#include <algorithm>

#include "schemas/yaml/job_keys.hpp"

namespace weft::yaml {
namespace {

// A value beside the file: a list or map in YAML's flow style, else text as it stands.
Node value_of(Reader& reader, const Setting& setting) {
  Node node;
  if (setting.value.starts_with("[") || setting.value.starts_with("{")) {
    Document document = parse_document(setting.value);
    for (const Problem& problem : document.problems)
      reader.problem({setting.line, setting.column}, problem.code, setting.key, problem.text);
    node = std::move(document.root);
    if (!document.problems.empty()) node.kind = Node::Kind::refused;
    for (Node& item : node.items) item.at = {setting.line, setting.column};
  } else {
    node.kind = Node::Kind::scalar;
    node.text = setting.value;
  }
  node.at = {setting.line, setting.column};
  return node;
}

Entry& entry_of(Node& map, std::string_view key, Place at) {
  const auto found = std::find_if(map.entries.begin(), map.entries.end(),
                                  [&](const Entry& e) { return e.key == key; });
  if (found != map.entries.end()) return *found;
  map.entries.push_back({std::string(key), at, {}});
  return map.entries.back();
}

}  // namespace

void apply_settings(Reader& reader, const Overrides& overrides, Node& root) {
  if (root.kind != Node::Kind::map) return;
  for (const Setting& setting : overrides.settings) {
    // Two levels at most; a variable's or label's name may hold dots of its own.
    const std::size_t dot = setting.key.find('.');
    const Place at{setting.line, setting.column};
    Entry& first = entry_of(root, std::string_view(setting.key).substr(0, dot), at);
    Entry* target = &first;
    if (dot != setting.key.npos) {
      if (first.value.kind != Node::Kind::map) {
        first.value = {};
        first.value.kind = Node::Kind::map;
        first.value.at = at;
      }
      target = &entry_of(first.value, std::string_view(setting.key).substr(dot + 1), at);
    }
    target->at = at;
    target->value = value_of(reader, setting);
  }
}

}  // namespace weft::yaml
