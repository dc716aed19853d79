// Private to schemas/yaml: YAML text to a tree of texts with their places. The subset of YAML 1.2
// that weft reads has no anchors, aliases, tags, merge keys, repeated keys, key that is not plain
// text, second document; and bounds on size, depth and count. Every scalar stays text: the key that
// it belongs to types it, so `no`, `1e3` or `010` never change their meaning.
// Errors: as problems (spec.syntax, spec.size, spec.duplicate, spec.unsupported), never an
// exception.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "schemas/yaml/problem.hpp"

namespace weft::yaml {

struct Place {
  int line = 1, column = 1;
};

struct Entry;
struct Node {
  enum class Kind { null, scalar, list, map, refused };  // refused: a problem names it already
  Kind kind = Kind::null;
  Place at;
  std::string text;            // of a scalar
  std::vector<Node> items;     // of a list
  std::vector<Entry> entries;  // of a map, in the file's order, keys unique
};
struct Entry {
  std::string key;
  Place at;
  Node value;
};

struct Document {
  Node root;
  std::vector<Problem> problems;  // the tree is usable beside them, what was refused left out
};
Document parse_document(std::string_view text);

}  // namespace weft::yaml
