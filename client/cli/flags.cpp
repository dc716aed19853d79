#include "client/cli/flags.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>

namespace weft::cli {

struct Flags::State {
  CLI::App app;
  std::string verb, synopsis, about, examples;
  std::vector<std::string>* command = nullptr;
  std::vector<std::string> long_names;
  std::vector<std::pair<std::string, std::string>> arguments;  // name, help
  std::vector<std::pair<Take, bool>> takes;                    // of the arguments; required
  std::vector<std::string>* rest = nullptr;
  Error error;  // the first one that a Take reported
  bool help_wanted = false;

  void keep(const std::string& what, const Result<void>& result) {
    if (result || error.code != Code::none) return;
    error = {Code::usage, what + ": " + result.error().detail};
  }
};

namespace {

// "-N,--nodes" -> "--nodes"
std::string long_name(const std::string& names) {
  const auto comma = names.rfind(',');
  return comma == std::string::npos ? names : names.substr(comma + 1);
}

std::string unknown_flag(const std::string& flag, const std::vector<std::string>& known) {
  const std::string name = flag.substr(0, flag.find('='));
  const std::string near = name.starts_with("--") ? nearest(name, known) : std::string();
  if (near.empty()) return fmt::format("unknown flag '{}'", name);
  return fmt::format("unknown flag '{}'; did you mean '{}'?", name, near);
}

}  // namespace

Flags::Flags(std::string verb, std::string synopsis, std::string about) : state_(new State) {
  state_->verb = std::move(verb);
  state_->synopsis = std::move(synopsis);
  state_->about = std::move(about);
  state_->app.set_help_flag();
  state_->app.allow_extras();
  flag("-h,--help", state_->help_wanted, "show this");
}
Flags::~Flags() = default;

void Flags::flag(const std::string& names, bool& out, const std::string& help) {
  state_->long_names.push_back(long_name(names));
  state_->app.add_flag(names, out, help);
}

void Flags::option(const std::string& names, const std::string& value, const std::string& help,
                   Take take) {
  const std::string name = long_name(names);
  state_->long_names.push_back(name);
  CLI::callback_t each = [this, name,
                          take = std::move(take)](const std::vector<std::string>& values) {
    for (const std::string& v : values) state_->keep(name, take(v));
    return true;
  };
  state_->app.add_option(names, each, help)
      ->expected(1)
      ->type_name(value)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void Flags::option(const std::string& names, std::string& out, const std::string& value,
                   const std::string& help) {
  option(names, value, help, take_text(out));
}

void Flags::option(const std::string& names, std::vector<std::string>& out,
                   const std::string& value, const std::string& help) {
  state_->long_names.push_back(long_name(names));
  state_->app.add_option(names, out, help)
      ->expected(1)
      ->type_name(value)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Flags::number(const std::string& names, std::uint32_t& out, std::uint32_t least,
                   std::uint32_t most, const std::string& help, const std::string& placeholder) {
  option(names, placeholder, help, [&out, least, most](const std::string& text) -> Result<void> {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
      return fail(Code::usage,
                  fmt::format("'{}' is not a whole number from {} to {}", text, least, most));
    out = static_cast<std::uint32_t>(value);
    return {};
  });
}

void Flags::duration(const std::string& names, Duration& out, const std::string& help) {
  option(names, "DURATION", help, [&out](const std::string& text) -> Result<void> {
    auto value = parse_duration(text);
    if (!value) return tl::make_unexpected(value.error());
    out = *value;
    return {};
  });
}

void Flags::price(const std::string& names, Price& out, const std::string& help) {
  option(names, "PRICE", help, [&out](const std::string& text) -> Result<void> {
    auto value = parse_micros(text);
    if (!value) return tl::make_unexpected(value.error());
    out.micros = *value;
    return {};
  });
}

void Flags::argument(const std::string& name, const std::string& help, Take take, bool required) {
  state_->arguments.emplace_back(name, help);
  state_->takes.emplace_back(std::move(take), required);
}

void Flags::rest(const std::string& name, const std::string& help, std::vector<std::string>& out) {
  state_->arguments.emplace_back(name, help);
  state_->rest = &out;
}

void Flags::command(std::vector<std::string>& out) { state_->command = &out; }

void Flags::example(const std::string& line, const std::string& what) {
  state_->examples += fmt::format("  {}\n      {}\n", line, what);
}

bool Flags::given(const std::string& name) const {
  const CLI::Option* option = state_->app.get_option_no_throw(name);
  return option != nullptr && option->count() > 0;
}

std::string Flags::help() const {
  std::string out =
      fmt::format("usage: weft {} {}\n\n{}\n", state_->verb, state_->synopsis, state_->about);
  if (!state_->arguments.empty()) out += "\narguments\n";
  for (const auto& [name, help] : state_->arguments)
    out += fmt::format("  {:<26} {}\n", name, help);
  out += "\nflags\n";
  for (const CLI::Option* option : state_->app.get_options()) {
    std::string names = option->get_name(false, true);
    if (const auto comma = names.find(','); comma != std::string::npos)
      names.insert(comma + 1, " ");
    if (!names.starts_with("-") || names.starts_with("--")) names.insert(0, "    ");
    if (option->get_items_expected_max() > 0) names += " " + option->get_type_name();
    out += fmt::format("  {:<26} {}\n", names, option->get_description());
  }
  if (!state_->examples.empty()) out += "\nexamples\n" + state_->examples;
  return out;
}

Result<Flags::Next> Flags::parse(const std::vector<std::string>& arguments) {
  std::vector<std::string> own = arguments;
  const auto dashes = std::find(own.begin(), own.end(), "--");
  if (dashes != own.end()) {
    if (state_->command == nullptr)
      return fail(Code::usage,
                  fmt::format("'--': this verb takes no command; `weft {} --help`", state_->verb));
    state_->command->assign(dashes + 1, own.end());
    own.erase(dashes, own.end());
  }
  std::reverse(own.begin(), own.end());  // CLI11 takes them from the back
  try {
    state_->app.parse(own);
  } catch (const CLI::ArgumentMismatch& mismatch) {
    return fail(Code::usage, fmt::format("{} (`weft {} --help` shows the flags)", mismatch.what(),
                                         state_->verb));
  } catch (const CLI::ParseError& error) {
    return fail(Code::usage, error.what());
  }
  if (state_->help_wanted) return Next::help_wanted;
  if (state_->error.code != Code::none) return tl::make_unexpected(state_->error);

  std::size_t position = 0;
  for (const std::string& extra : state_->app.remaining()) {
    if (extra.size() > 1 && extra.front() == '-')
      return fail(Code::usage, fmt::format("{}; `weft {} --help` lists them",
                                           unknown_flag(extra, state_->long_names), state_->verb));
    if (position < state_->takes.size()) {
      state_->keep(state_->arguments[position].first, state_->takes[position].first(extra));
      ++position;
    } else if (state_->rest != nullptr) {
      state_->rest->push_back(extra);
    } else {
      return fail(Code::usage, fmt::format("'{}' is one argument too many; usage: weft {} {}",
                                           extra, state_->verb, state_->synopsis));
    }
  }
  if (state_->error.code != Code::none) return tl::make_unexpected(state_->error);
  if (position < state_->takes.size() && state_->takes[position].second)
    return fail(Code::usage,
                fmt::format("{} is missing; usage: weft {} {}", state_->arguments[position].first,
                            state_->verb, state_->synopsis));
  return Next::go_on;
}

Flags::Take take_text(std::string& out) {
  return [&out](const std::string& text) -> Result<void> {
    out = text;
    return {};
  };
}

Result<std::uint64_t> parse_id(std::string_view text, char letter) {
  std::string_view digits = text;
  if (letter != '\0' && !digits.empty() && (digits.front() | 0x20) == (letter | 0x20))
    digits.remove_prefix(1);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value == 0)
    return fail(Code::usage,
                letter == '\0' ? fmt::format("'{}' is not an id; an id is a number, e.g. 42", text)
                               : fmt::format("'{}' is not an id; an id is a number, e.g. 9 or {}9",
                                             text, letter));
  return value;
}

}  // namespace weft::cli
