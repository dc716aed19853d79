// Private to schemas/yaml: typed reading of a document's tree. Every read notes what is wrong and
// goes on, so that all errors of a file come at once.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "schemas/yaml/document.hpp"

namespace weft::yaml {

struct Key {
  std::string_view name;
  std::function<void(const Node& value, const std::string& path)> read;
  std::string_view not_yet;  // instead of read: the key means something that this release lacks
};

class Reader {
 public:
  // known_paths: every dotted key of the format, so that a key in the wrong map finds its home.
  explicit Reader(std::vector<Problem> problems = {},
                  std::span<const std::string_view> known_paths = {})
      : problems_(std::move(problems)), known_paths_(known_paths) {}

  void map(const Node& node, const std::string& path, std::span<const Key> keys);
  void problem(Place at, Code code, const std::string& path, std::string text);
  // Says nothing when an unknown key was probably meant to be this one.
  void missing(const std::string& path, std::string text);

  // Each returns nothing after noting why not.
  std::optional<std::string> text(const Node& node, const std::string& path, std::size_t bytes_max,
                                  std::string_view allowed);
  std::optional<std::string> name(const Node& node, const std::string& path);  // [a-z0-9-]{1,63}
  std::optional<std::int64_t> integer(const Node& node, const std::string& path, std::int64_t min,
                                      std::int64_t max);
  std::optional<Duration> duration(const Node& node, const std::string& path, Duration min,
                                   Duration max);
  std::optional<std::int64_t> micros(const Node& node, const std::string& path);
  std::optional<std::size_t> word(const Node& node, const std::string& path,
                                  std::span<const std::string_view> words);
  std::optional<std::vector<std::uint8_t>> hex(const Node& node, const std::string& path,
                                               std::size_t bytes);
  const std::vector<Node>* list(const Node& node, const std::string& path, std::size_t count_max,
                                std::string_view allowed);

  // In the file's order, at most limits::spec_errors_max.
  std::vector<Problem> take_problems();
  [[nodiscard]] bool clean() const { return problems_.empty(); }

 private:
  std::string suggest(const std::string& path, std::string_view unknown, std::span<const Key> keys);
  std::vector<Problem> problems_;
  std::vector<std::string> suggested_;  // what unknown keys were probably meant to be
  std::span<const std::string_view> known_paths_;
};

std::string join_words(std::span<const std::string_view> words);
// The word with the least edit distance, when that is small enough to be a slip; else empty.
std::string_view nearest(std::string_view word, std::span<const std::string_view> words);
// "'text'", shortened and without line ends, for use in a message.
std::string quoted(std::string_view text);

}  // namespace weft::yaml
