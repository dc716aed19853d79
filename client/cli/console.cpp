#include "client/cli/console.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace weft::cli {
namespace {

constexpr std::size_t line_bytes_max = 64 << 10;  // a longer one is printed in pieces

}  // namespace

void Console::set_nodes(std::vector<std::string> nodes, std::uint32_t ranks_per_node) {
  nodes_ = std::move(nodes);
  ranks_per_node_ = std::max(1U, ranks_per_node);
  named_ = true;
  for (auto& [stream, text] : unfinished_) print_lines(stream, text, false);
  std::fflush(stdout);
}

std::string Console::prefix(std::uint32_t rank) const {
  const std::size_t node = rank / ranks_per_node_;
  if (node >= nodes_.size()) return fmt::format("[r{}] ", rank);
  return fmt::format("[r{} {}] ", rank, nodes_[node]);
}

void Console::take(std::uint32_t rank, bool errors, std::span<const std::uint8_t> data) {
  if (!prefixed_) {
    std::FILE* out = errors ? stderr : stdout;
    std::fwrite(data.data(), 1, data.size(), out);
    std::fflush(out);
    wrote_ = true;
    return;
  }
  const Stream stream{rank, errors};
  std::string& text = unfinished_[stream];
  text.append(reinterpret_cast<const char*>(data.data()), data.size());
  if (!named_) return;
  print_lines(stream, text, false);
  std::fflush(stdout);
}

void Console::print_lines(const Stream& stream, std::string& text, bool all) {
  std::FILE* out = stream.errors ? stderr : stdout;
  const std::string head = prefix(stream.rank);
  std::size_t from = 0;
  while (from < text.size()) {
    std::size_t end = text.find('\n', from);
    if (end == std::string::npos) {
      if (!all && text.size() - from < line_bytes_max) break;
      end = std::min(text.size(), from + line_bytes_max);
    }
    fmt::print(out, "{}{}\n", head, std::string_view(text).substr(from, end - from));
    wrote_ = true;
    from = end < text.size() && text[end] == '\n' ? end + 1 : end;
  }
  text.erase(0, from);
}

void Console::finish() {
  named_ = true;  // names did not come: numbers will do
  for (auto& [stream, text] : unfinished_) print_lines(stream, text, true);
  std::fflush(stdout);
}

}  // namespace weft::cli
