// Private to broker/fabric/import: a line, read from left to right.
#pragma once
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft::broker::fabric {

class Scan {
 public:
  explicit Scan(std::string_view line) : line_(line) {}

  int column() const { return static_cast<int>(at_) + 1; }
  std::string_view rest() const { return line_.substr(at_); }
  void blanks() {
    while (at_ < line_.size() && (line_[at_] == ' ' || line_[at_] == '\t')) ++at_;
  }
  bool eat(std::string_view text) {
    if (!rest().starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  // 0 to `most`; nothing is read of anything else.
  std::optional<std::uint32_t> number(std::uint32_t most) {
    std::uint32_t out = 0;
    const auto [end, error] = std::from_chars(rest().data(), rest().data() + rest().size(), out);
    if (error != std::errc{} || out > most) return std::nullopt;
    at_ += static_cast<std::size_t>(end - rest().data());
    return out;
  }
  // Up to 16 hexadecimal digits, with or without 0x.
  std::optional<std::uint64_t> hex() {
    const std::size_t start = at_;
    if (!eat("0x")) eat("0X");
    std::uint64_t out = 0;
    const auto [end, error] =
        std::from_chars(rest().data(), rest().data() + rest().size(), out, 16);
    if (error == std::errc{}) {
      at_ += static_cast<std::size_t>(end - rest().data());
      return out;
    }
    at_ = start;
    return std::nullopt;
  }
  std::string_view word() {
    const std::size_t start = at_;
    while (at_ < line_.size() && line_[at_] != ' ' && line_[at_] != '\t') ++at_;
    return line_.substr(start, at_ - start);
  }
  // Goes to the place just behind the first `text`, if there is one.
  bool skip_past(std::string_view text) {
    const std::size_t found = line_.find(text, at_);
    if (found == line_.npos) return false;
    at_ = found + text.size();
    return true;
  }

 private:
  std::string_view line_;
  std::size_t at_ = 0;
};

}  // namespace weft::broker::fabric
