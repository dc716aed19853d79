// The output of a job's ranks on the console: bytes as they are while there is one rank, else whole
// lines with "[r3 n17] " in front. A rank's standard output goes to ours, its standard error to
// ours. Owns: the unfinished line of every stream. Thread: one.
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace weft::cli {

class Console {
 public:
  explicit Console(bool prefixed) : prefixed_(prefixed) {}
  // Names of the nodes in order of node index; until they are known, output is held back.
  void set_nodes(std::vector<std::string> nodes, std::uint32_t ranks_per_node);
  bool needs_nodes() const { return prefixed_ && !named_; }
  void take(std::uint32_t rank, bool errors, std::span<const std::uint8_t> data);
  // Prints what has no end of line yet; once nothing more can come.
  void finish();
  bool wrote() const { return wrote_; }

 private:
  struct Stream {
    std::uint32_t rank;
    bool errors;
    auto operator<=>(const Stream&) const = default;
  };
  void print_lines(const Stream& stream, std::string& text, bool all);
  std::string prefix(std::uint32_t rank) const;

  bool prefixed_, named_ = false, wrote_ = false;
  std::uint32_t ranks_per_node_ = 1;
  std::vector<std::string> nodes_;
  std::map<Stream, std::string> unfinished_;
};

}  // namespace weft::cli
