#include "schemas/yaml/job_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace weft::yaml {
namespace {

constexpr std::array<std::string_view, 34> known_paths{"weft",
                                                       "name",
                                                       "labels",
                                                       "priority",
                                                       "nodes",
                                                       "gpus_per_node",
                                                       "ranks_per_node",
                                                       "time",
                                                       "lease",
                                                       "lease.use",
                                                       "lease.start_by",
                                                       "lease.max_price",
                                                       "lease.cost_cap",
                                                       "lease.notice",
                                                       "lease.keep",
                                                       "checkpoint",
                                                       "checkpoint.signal",
                                                       "checkpoint.dir",
                                                       "checkpoint.grace",
                                                       "restart",
                                                       "restart.max",
                                                       "restart.backoff",
                                                       "restart.when",
                                                       "comm",
                                                       "comm.backend",
                                                       "env",
                                                       "setup",
                                                       "run",
                                                       "workdir",
                                                       "logs",
                                                       "logs.keep",
                                                       "logs.console",
                                                       "lease.start",
                                                       "lease.on_end"};

bool is_variable_name(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !text.empty() && letter(text[0]) && std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9');
  });
}

bool is_reserved(std::string_view variable) {
  constexpr std::array<std::string_view, 7> rank_variables{
      "RANK",       "WORLD_SIZE",  "LOCAL_RANK", "LOCAL_WORLD_SIZE",
      "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT"};
  return variable.starts_with("WEFT_") || variable.starts_with("ROLE_") ||
         variable.starts_with("TORCHELASTIC_") || variable == "GROUP_WORLD_SIZE" ||
         std::find(rank_variables.begin(), rank_variables.end(), variable) != rank_variables.end();
}

// One function a map of the format; each key's line says its type and range.
class JobKeys {
 public:
  JobKeys(Reader& reader, JobSpec& spec) : reader_(reader), spec_(spec) {}

  std::vector<Key> top() {
    return {
        custom("weft", &JobKeys::version),
        custom("name", &JobKeys::name),
        custom("labels", &JobKeys::labels),
        number("priority", spec_.priority, -100, 100),
        number("nodes", spec_.nodes, 1, limits::nodes_per_job_max),
        number("gpus_per_node", spec_.gpus_per_node, 0, limits::gpus_per_node_max),
        number("ranks_per_node", spec_.ranks_per_node, 1, limits::ranks_per_node_max),
        time("time", spec_.time, limits::job_time_min, limits::job_time_max),
        submap("lease", lease()),
        submap("checkpoint", checkpoint()),
        submap("restart", restart()),
        submap("comm", {custom("backend", &JobKeys::backend)}),
        custom("env", &JobKeys::env),
        text("setup", spec_.setup, limits::argument_bytes_max, "write shell text"),
        custom("run", &JobKeys::run),
        text("workdir", spec_.workdir, limits::text_bytes_max, "write a path"),
        submap("logs", logs()),
        submap("slice", slice()),
        not_yet("elastic", "a gang does not shrink yet; leave it out"),
        not_yet("health", "stalls and stragglers are not judged yet; leave it out"),
        not_yet("project", "who pays follows from the key that submits; leave it out"),
        not_yet("gpu", "GPU classes are not told apart yet; leave it out, or use gpus_per_node"),
        not_yet("compat", "torchrun's variables are always set; leave it out")};
  }

 private:
  using Method = void (JobKeys::*)(const Node&, const std::string&);

  Key custom(std::string_view name, Method method) {
    return {
        name,
        [this, method](const Node& node, const std::string& key) { (this->*method)(node, key); },
        {}};
  }
  static Key not_yet(std::string_view name, std::string_view text) { return {name, nullptr, text}; }
  Key submap(std::string_view name, std::vector<Key> keys) {
    return {name,
            [this, keys = std::move(keys)](const Node& node, const std::string& key) {
              reader_.map(node, key, keys);
            },
            {}};
  }
  template <class T>
  Key number(std::string_view name, T& out, std::int64_t min, std::int64_t max) {
    return {name,
            [this, &out, min, max](const Node& node, const std::string& key) {
              if (const auto value = reader_.integer(node, key, min, max))
                out = static_cast<T>(*value);
            },
            {}};
  }
  Key time(std::string_view name, Duration& out, Duration min, Duration max) {
    return {name,
            [this, &out, min, max](const Node& node, const std::string& key) {
              if (const auto value = reader_.duration(node, key, min, max)) out = *value;
            },
            {}};
  }
  Key text(std::string_view name, std::string& out, std::size_t bytes_max,
           std::string_view allowed) {
    return {name,
            [this, &out, bytes_max, allowed](const Node& node, const std::string& key) {
              if (auto value = reader_.text(node, key, bytes_max, allowed)) out = std::move(*value);
            },
            {}};
  }

  std::vector<Key> lease() {
    return {custom("use", &JobKeys::lease_use),       custom("start_by", &JobKeys::start_by),
            custom("max_price", &JobKeys::max_price), custom("cost_cap", &JobKeys::cost_cap),
            custom("notice", &JobKeys::notice),       time("keep", spec_.keep, {}, hours(24)),
            custom("start", &JobKeys::lease_start),   custom("on_end", &JobKeys::on_end)};
  }
  std::vector<Key> slice() {
    return {custom("within", &JobKeys::within), custom("exclusive", &JobKeys::exclusive),
            not_yet("bandwidth", "links are rented whole; leave it out"),
            not_yet("rails", "every rail of the fabric is rented; leave it out")};
  }
  std::vector<Key> checkpoint() {
    return {custom("signal", &JobKeys::signal),
            text("dir", spec_.checkpoint_dir, limits::text_bytes_max, "write a path"),
            time("grace", spec_.checkpoint_grace, {}, hours(24)),
            not_yet("to", "the signal always goes to the ranks; leave it out"),
            not_yet("every", "the program decides how often it saves; leave it out"),
            not_yet("agree", "ranks agree on a step by themselves; leave it out")};
  }
  std::vector<Key> restart() {
    return {number("max", spec_.restart.max, 0, limits::restarts_max),
            time("backoff", spec_.restart.backoff, {}, minutes(5)),
            custom("when", &JobKeys::restart_when),
            not_yet("window", "restarts are counted over the whole job; leave it out"),
            not_yet("spares", "warm spare nodes are not kept yet; leave it out")};
  }
  std::vector<Key> logs() {
    return {custom("keep", &JobKeys::logs_keep), custom("console", &JobKeys::console)};
  }

  void version(const Node& node, const std::string& key) {
    const auto value = reader_.integer(node, key, 1, INT32_MAX);
    if (value && *value != 1)
      reader_.problem(node.at, Code::spec_version, key,
                      fmt::format("format {} is newer than this build; it reads format 1", *value));
  }
  void name(const Node& node, const std::string& key) {
    if (auto value = reader_.name(node, key)) spec_.name = std::move(*value);
  }
  void labels(const Node& node, const std::string& key) {
    pairs(node, key, limits::labels_max, spec_.labels, 255, [](const std::string& name) {
      if (name.empty() || name.size() > limits::name_bytes_max)
        return Error{Code::spec_range,
                     quoted(name) + " is no name of a label; it has 1 to 63 bytes"};
      return Error{};
    });
  }
  void env(const Node& node, const std::string& key) {
    pairs(node, key, limits::environment_max, spec_.env, limits::argument_bytes_max,
          [](const std::string& name) {
            if (name.size() > limits::argument_bytes_max || !is_variable_name(name))
              return Error{Code::spec_range, quoted(name) +
                                                 " is no name of a variable; allowed are letters, "
                                                 "digits and '_', not a digit first"};
            if (is_reserved(name))
              return Error{Code::spec_reserved,
                           quoted(name) + " is set by weft itself; choose another name"};
            return Error{};
          });
  }
  template <class Check>
  void pairs(const Node& node, const std::string& key, std::size_t count_max,
             std::vector<KeyValue>& out, std::size_t bytes_max, const Check& check) {
    if (node.kind != Node::Kind::map)
      return reader_.problem(node.at, Code::spec_type, key,
                             "not a map; write one 'NAME: value' a line below it");
    if (node.entries.size() > count_max)
      return reader_.problem(node.at, Code::spec_size, key,
                             fmt::format("{} entries; at most {}", node.entries.size(), count_max));
    for (const Entry& entry : node.entries) {
      const std::string shown = quoted(entry.key);
      const std::string path = key + "." + shown.substr(1, shown.size() - 2);
      const Error wrong = check(entry.key);
      if (wrong.code != Code::none) {
        reader_.problem(entry.at, wrong.code, path, wrong.detail);
      } else if (entry.value.kind == Node::Kind::null) {
        reader_.problem(entry.at, Code::spec_type, path,
                        "has no value; write \"\" for an empty text");
      } else if (auto value = reader_.text(entry.value, path, bytes_max, "write one text")) {
        out.push_back({entry.key, std::move(*value)});
      }
    }
  }
  void run(const Node& node, const std::string& key) {
    constexpr std::string_view allowed = "write shell text, or a list: [program, argument]";
    if (node.kind == Node::Kind::scalar) {
      auto value = reader_.text(node, key, limits::argument_bytes_max, allowed);
      if (value && value->find_first_not_of(" \t\n") == value->npos)
        reader_.problem(node.at, Code::spec_range, key, fmt::format("is empty; {}", allowed));
      else if (value)
        spec_.run = {"/bin/sh", "-c", std::move(*value)};
      return;
    }
    const auto* items = reader_.list(node, key, limits::arguments_max, allowed);
    if (!items) return;
    for (const Node& item : *items) {
      if (item.kind == Node::Kind::null)
        reader_.problem(item.at, Code::spec_type, key,
                        "an entry without a value; write \"\" for an empty argument");
      else if (auto value = reader_.text(item, key, limits::argument_bytes_max, allowed))
        spec_.run.push_back(std::move(*value));
    }
    if (items->empty() || (!spec_.run.empty() && spec_.run.front().empty()))
      reader_.problem(node.at, Code::spec_range, key, fmt::format("names no program; {}", allowed));
  }

  void lease_use(const Node& node, const std::string& key) {
    auto value = reader_.text(node, key, limits::name_bytes_max, "write a lease's id, e.g. L9");
    if (!value) return;
    const std::string digits = value->starts_with("L") ? value->substr(1) : *value;
    if (digits.empty() || digits.size() > 18 ||
        digits.find_first_not_of("0123456789") != digits.npos || digits == "0")
      return reader_.problem(node.at, Code::spec_type, key,
                             quoted(*value) + " is not a lease; write its id, e.g. L9");
    spec_.use_lease.value = std::stoull(digits);
  }
  void within(const Node& node, const std::string& key) {
    if (const auto word = reader_.word(node, key, enum_names::within))
      spec_.within = static_cast<SliceWithin>(*word);
  }
  void exclusive(const Node& node, const std::string& key) {
    if (const auto word = reader_.word(node, key, enum_names::slice_exclusive))
      spec_.exclusive = static_cast<SliceExclusive>(*word);
  }
  void start_by(const Node& node, const std::string& key) {
    constexpr std::string_view allowed = "write a time after submission, e.g. +1h, or never";
    const auto value = reader_.text(node, key, limits::name_bytes_max, allowed);
    if (!value || *value == "never") return;
    if (!value->starts_with("+"))
      return reader_.problem(node.at, Code::spec_type, key,
                             fmt::format("{} is not such a time; {}", quoted(*value), allowed));
    Node after = node;
    after.text = value->substr(1);
    if (const auto parsed = reader_.duration(after, key, seconds(1), limits::job_time_max))
      spec_.start_by = *parsed;
  }
  void lease_start(const Node& node, const std::string& key) {
    if (node.text != "now")
      reader_.problem(node.at, Code::spec_unsupported, key,
                      "leases that start later are not sold yet; leave it out, or write now");
  }
  void on_end(const Node& node, const std::string& key) {
    constexpr std::array<std::string_view, 1> words{"stop"}, later{"requeue"};
    word_or_later(node, key, words, later);
  }
  void max_price(const Node& node, const std::string& key) {
    if (const auto value = reader_.micros(node, key)) {
      spec_.price_max = {*value};
      spec_.has_price_max = true;
    }
  }
  void cost_cap(const Node& node, const std::string& key) {
    const auto value = reader_.micros(node, key);
    if (value && *value == 0)
      reader_.problem(node.at, Code::spec_range, key,
                      "nothing can be rented for 0 dollars; write more, or leave it out");
    else if (value)
      spec_.cost_cap = {*value};
  }
  void notice(const Node& node, const std::string& key) {
    if (node.text == "never") return;
    if (const auto value = reader_.duration(node, key, limits::notice_min, limits::notice_max))
      spec_.notice = *value;
  }
  void signal(const Node& node, const std::string& key) {
    if (const auto word = reader_.word(node, key, signal_words))
      spec_.checkpoint_signal = signal_numbers[*word];
  }
  void restart_when(const Node& node, const std::string& key) {
    constexpr std::array<std::string_view, 2> words{"node", "exit"}, later{"link", "hang"};
    const auto* items = reader_.list(node, key, 4, "write e.g. [node, exit]");
    if (!items) return;
    spec_.restart.on_node = spec_.restart.on_exit = false;
    for (const Node& item : *items)
      if (const auto word = word_or_later(item, key, words, later))
        (*word == 0 ? spec_.restart.on_node : spec_.restart.on_exit) = true;
  }
  void backend(const Node& node, const std::string& key) {
    constexpr std::array<std::string_view, 2> words{"weft", "none"}, later{"nccl", "gloo"};
    if (const auto word = word_or_later(node, key, words, later)) spec_.backend = words[*word];
  }
  // Some words of the format are only planned; they are told apart from slips.
  std::optional<std::size_t> word_or_later(const Node& node, const std::string& key,
                                           std::span<const std::string_view> words,
                                           std::span<const std::string_view> later) {
    if (node.kind == Node::Kind::scalar &&
        std::find(later.begin(), later.end(), node.text) != later.end()) {
      reader_.problem(node.at, Code::spec_unsupported, key,
                      fmt::format("'{}' is not in this release yet; allowed: {}", node.text,
                                  join_words(words)));
      return std::nullopt;
    }
    return reader_.word(node, key, words);
  }
  void logs_keep(const Node& node, const std::string& key) {
    constexpr std::array<std::string_view, 1> words{"all"}, later{"failed"};
    if (word_or_later(node, key, words, later)) spec_.logs_keep_all = true;
  }
  void console(const Node& node, const std::string& key) {
    spec_.console_ranks.clear();
    if (node.kind == Node::Kind::scalar && node.text == "all") return;
    const auto* items =
        reader_.list(node, key, limits::ranks_per_job_max, "write ranks, e.g. [0, 3], or all");
    if (!items) return;
    if (items->empty())
      reader_.problem(node.at, Code::spec_range, key, "names no rank; write e.g. [0], or all");
    for (const Node& item : *items)
      if (const auto rank = reader_.integer(item, key, 0, limits::ranks_per_job_max - 1))
        spec_.console_ranks.push_back(static_cast<std::uint32_t>(*rank));
  }

  Reader& reader_;
  JobSpec& spec_;
};

}  // namespace

std::span<const std::string_view> job_key_paths() { return known_paths; }

void read_job_keys(Reader& reader, const Node& root, JobSpec& spec) {
  JobKeys keys(reader, spec);
  reader.map(root, "", keys.top());
}

}  // namespace weft::yaml
