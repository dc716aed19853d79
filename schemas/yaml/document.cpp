#include "schemas/yaml/document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <optional>
#include <sstream>

#include "base/limits.hpp"

namespace weft::yaml {
namespace {

struct Stop {};  // thrown through yaml-cpp when going on makes no sense; caught in this file

// Builds the tree from yaml-cpp's events. Its own Node class is not used: it drops repeated keys
// and shares aliased nodes without a word.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view text, Document& out) : text_(text), out_(out) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 0) return;
    add(mark, Code::spec_syntax,
        "a second document; a file holds one, so leave out '---' and what follows");
    throw Stop{};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    Node node = make(mark, Node::Kind::null);
    node.text = null_word(mark);  // `null` and `~` are texts as any other
    if (!node.text.empty()) node.kind = Node::Kind::scalar;
    place(std::move(node));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    add(mark, Code::spec_unsupported, "an alias ('*'); write the value out");
    place(make(mark, Node::Kind::refused));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_open_quote(mark, tag);
    const bool tagged = refuse_tag(mark, tag);
    Node node = make(mark, tagged ? Node::Kind::refused : Node::Kind::scalar);
    node.text = value;
    place(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    std::optional<Entry> key;  // of a map: the key whose value comes next
    bool skip = false;         // that value is not kept (repeated or unusable key)
  };

  static Place place_of(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }
  void add(const YAML::Mark& mark, Code code, std::string text) {
    const Place at = place_of(mark);
    out_.problems.push_back({at.line, at.column, code, {}, std::move(text)});
    if (out_.problems.size() >= static_cast<std::size_t>(limits::spec_errors_max)) throw Stop{};
  }
  Node make(const YAML::Mark& mark, Node::Kind kind) {
    if (++nodes_ > limits::yaml_nodes_max) {
      add(mark, Code::spec_size,
          fmt::format("more than {} values; a file holds at most that many",
                      limits::yaml_nodes_max));
      throw Stop{};
    }
    Node node;
    node.kind = kind;
    node.at = place_of(mark);
    return node;
  }
  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor)
      add(mark, Code::spec_unsupported, "an anchor ('&'); write the value where it is needed");
  }
  bool refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return false;  // "?" plain, "!" quoted
    add(mark, Code::spec_unsupported,
        fmt::format("a tag ('{}'); the key alone says what a value is", tag));
    return true;
  }
  // yaml-cpp 0.7 takes a quote that is never closed for one that ends with the file, when the file
  // ends with a line end: the value would swallow every key below it.
  void refuse_open_quote(const YAML::Mark& mark, const std::string& tag) {
    const std::string_view rest = source_at(mark);
    if (tag != "!" || rest.empty() || (rest[0] != '"' && rest[0] != '\'')) return;
    const char quote = rest[0];
    for (std::size_t i = 1; i < rest.size(); ++i) {
      const bool escaped = quote == '"' ? rest[i] == '\\' : rest.substr(i).starts_with("''");
      if (escaped)
        ++i;
      else if (rest[i] == quote)
        return;
    }
    add(mark, Code::spec_syntax,
        fmt::format("a text that begins here has no closing {}; close it", quote));
    throw Stop{};
  }
  std::string_view source_at(const YAML::Mark& mark) const {
    const auto at = static_cast<std::size_t>(mark.pos);
    return mark.pos >= 0 && at < text_.size() ? text_.substr(at) : std::string_view();
  }
  // yaml-cpp reports `null`, `~` and an empty value alike; the source tells them apart.
  std::string null_word(const YAML::Mark& mark) const {
    const std::string_view rest = source_at(mark);
    for (const std::string_view word : {"~", "null", "Null", "NULL"})
      if (rest.starts_with(word)) return std::string(word);
    return {};
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            Node::Kind kind) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (frames_.size() >= static_cast<std::size_t>(limits::yaml_depth_max)) {
      add(mark, Code::spec_size,
          fmt::format("nested deeper than {} levels; a file has at most that many",
                      limits::yaml_depth_max));
      throw Stop{};
    }
    frames_.push_back({make(mark, kind), std::nullopt, false});
  }
  void close() {
    Node node = std::move(frames_.back().node);
    frames_.pop_back();
    place(std::move(node));
  }
  void place(Node node) {
    if (frames_.empty()) {
      out_.root = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == Node::Kind::list) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.key) {
      take_key(frame, std::move(node));
    } else {
      frame.key->value = std::move(node);
      if (!frame.skip) frame.node.entries.push_back(std::move(*frame.key));
      frame.key.reset();
    }
  }
  void take_key(Frame& frame, Node node) {
    frame.skip = true;
    const YAML::Mark mark = mark_of(node.at);
    if (node.kind == Node::Kind::list || node.kind == Node::Kind::map ||
        node.kind == Node::Kind::null) {
      add(mark, Code::spec_syntax, "a key must be a plain word; write e.g. 'nodes: 4'");
    } else if (node.text == "<<") {
      add(mark, Code::spec_unsupported, "a merge key ('<<'); write its keys out");
    } else if (const Entry* first = find(frame.node, node.text)) {
      add(mark, Code::spec_duplicate,
          fmt::format("'{}' is already on line {}; keep one of the two", node.text,
                      first->at.line));
    } else {
      frame.skip = node.kind == Node::Kind::refused;
    }
    frame.key = Entry{std::move(node.text), node.at, {}};
  }
  static const Entry* find(const Node& map, std::string_view key) {
    for (const Entry& entry : map.entries)
      if (entry.key == key) return &entry;
    return nullptr;
  }
  static YAML::Mark mark_of(Place at) {
    YAML::Mark mark;
    mark.line = at.line - 1;
    mark.column = at.column - 1;
    return mark;
  }

  std::string_view text_;
  Document& out_;
  std::vector<Frame> frames_;
  int documents_ = 0, nodes_ = 0;
};

// The place of the first byte that is not valid UTF-8 text, or nothing.
std::optional<Place> bad_byte(std::string_view text) {
  Place at;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) {
      return k < text.size() ? static_cast<unsigned char>(text[k]) : 0U;
    };
    const unsigned c = byte(i);
    std::size_t size = c < 0x80                ? 1
                       : c >= 0xC2 && c < 0xE0 ? 2
                       : c >= 0xE0 && c < 0xF0 ? 3
                       : c >= 0xF0 && c < 0xF5 ? 4
                                               : 0;
    if (c < 0x20 && c != '\n' && c != '\r' && c != '\t') size = 0;
    if (c == 0xE0 && byte(i + 1) < 0xA0) size = 0;   // longer than needed
    if (c == 0xED && byte(i + 1) >= 0xA0) size = 0;  // surrogates
    if (c == 0xF0 && byte(i + 1) < 0x90) size = 0;
    if (c == 0xF4 && byte(i + 1) >= 0x90) size = 0;  // beyond U+10FFFF
    for (std::size_t k = 1; k < size; ++k)
      if ((byte(i + k) & 0xC0) != 0x80) size = 0;
    if (size == 0) return at;
    at = c == '\n' ? Place{at.line + 1, 1} : Place{at.line, at.column + static_cast<int>(size)};
    i += size;
  }
  return std::nullopt;
}

bool indented_by_tab(std::string_view text, int line) {
  for (; line > 1 && !text.empty(); --line) {
    const std::size_t end = text.find('\n');
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  const std::size_t first = text.find_first_not_of(" ");
  return first != text.npos && text[first] == '\t';
}

}  // namespace

Document parse_document(std::string_view text) {
  Document out;
  const auto whole_file = [&](Place at, Code code, std::string what) {
    out.problems.push_back({at.line, at.column, code, {}, std::move(what)});
    return std::move(out);
  };
  if (text.size() > limits::job_spec_bytes_max)
    return whole_file(
        {}, Code::spec_size,
        fmt::format("{} bytes; a file has at most {}", text.size(), limits::job_spec_bytes_max));
  if (const auto at = bad_byte(text))
    return whole_file(*at, Code::spec_syntax,
                      "a byte that is no text; a file is UTF-8 without control characters");
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder(text, out);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop&) {
  } catch (const YAML::Exception& e) {
    const Place at{e.mark.line + 1, e.mark.column + 1};
    const std::string hint = indented_by_tab(text, at.line)
                                 ? "; indent with blanks, not with tabs"
                                 : "; write one 'key: value' a line, here or just above";
    return whole_file(at, Code::spec_syntax, "not YAML: " + e.msg + hint);
  }
  return out;
}

}  // namespace weft::yaml
