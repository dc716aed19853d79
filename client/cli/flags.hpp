// The command line of one verb: declared once, read once. Every verb has --help; an unknown flag
// names the nearest known one. CLI11 stays in flags.cpp. Owns: nothing that it fills; the variables
// must outlive parse(). Thread: one. Errors: usage, with the flag, the value and what would be
// right.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/money.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace weft::cli {

class Flags {
 public:
  using Take = std::function<Result<void>(const std::string& value)>;

  // "run", "-N COUNT [flags] -- COMMAND...", "what it does, in a sentence or two"
  Flags(std::string verb, std::string synopsis, std::string about);
  ~Flags();
  Flags(const Flags&) = delete;
  Flags& operator=(const Flags&) = delete;

  // names: "-N,--nodes". `value` is how help calls the value.
  void flag(const std::string& names, bool& out, const std::string& help);
  void option(const std::string& names, const std::string& value, const std::string& help,
              Take take);
  void option(const std::string& names, std::string& out, const std::string& value,
              const std::string& help);
  void option(const std::string& names, std::vector<std::string>& out, const std::string& value,
              const std::string& help);  // may be repeated
  void number(const std::string& names, std::uint32_t& out, std::uint32_t least, std::uint32_t most,
              const std::string& help, const std::string& placeholder = "COUNT");
  void duration(const std::string& names, Duration& out, const std::string& help);
  void price(const std::string& names, Price& out, const std::string& help);

  // Positional arguments, in order. An optional one may be absent; `rest` takes all that are left.
  void argument(const std::string& name, const std::string& help, Take take, bool required = true);
  void rest(const std::string& name, const std::string& help, std::vector<std::string>& out);
  // What follows `--`, for verbs that take a command; without it a `--` is an error.
  void command(std::vector<std::string>& out);
  void example(const std::string& line, const std::string& what);

  bool given(const std::string& long_name) const;  // "--nodes", after parse()
  std::string help() const;

  enum class Next : std::uint8_t { go_on, help_wanted };
  [[nodiscard]] Result<Next> parse(const std::vector<std::string>& arguments);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "7", "job 7" is not accepted; a letter that people write before an id is: L9, Q17, O2.
template <class I>
Flags::Take take_id(I& out, char letter = '\0');
Result<std::uint64_t> parse_id(std::string_view text, char letter);

template <class I>
Flags::Take take_id(I& out, char letter) {
  return [&out, letter](const std::string& text) -> Result<void> {
    auto id = parse_id(text, letter);
    if (!id) return tl::make_unexpected(id.error());
    out.value = *id;
    return {};
  };
}
Flags::Take take_text(std::string& out);

// The word of `known` with the fewest edits from `word`; empty when none is near.
std::string nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace weft::cli
