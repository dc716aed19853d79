#include <fmt/format.h>

#include <iterator>

#include "schemas/yaml/job_keys.hpp"
#include "schemas/yaml/print.hpp"

namespace weft::yaml {
namespace {

class Printer {
 public:
  template <class T>
  void line(std::string_view key, const T& value, int indent = 0) {
    fmt::format_to(std::back_inserter(out_), "{:{}}{}: {}\n", "", 2 * indent, key, value);
  }
  void head(std::string_view key) { fmt::format_to(std::back_inserter(out_), "{}:\n", key); }
  void pairs(std::string_view key, const std::vector<KeyValue>& pairs) {
    if (pairs.empty()) return;
    head(key);
    for (const KeyValue& pair : pairs) line(quote(pair.name), quote(pair.value), 1);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

std::string_view signal_word(std::uint32_t number) {
  for (std::size_t i = 0; i < std::size(signal_numbers); ++i)
    if (signal_numbers[i] == number) return signal_words[i];
  return "none";
}

void print_lease(Printer& out, const JobSpec& spec) {
  out.head("lease");
  if (spec.use_lease) {
    out.line("use", fmt::format("L{}", spec.use_lease.value), 1);
  } else {
    if (spec.has_price_max) out.line("max_price", to_string(spec.price_max), 1);
    if (spec.cost_cap.micros > 0) out.line("cost_cap", to_string(spec.cost_cap), 1);
    out.line("notice", spec.notice.ms > 0 ? to_string(spec.notice) : "never", 1);
  }
  out.line("start_by", spec.start_by.ms > 0 ? "+" + to_string(spec.start_by) : "never", 1);
  out.line("keep", to_string(spec.keep), 1);
}

std::string when_of(const RestartPolicy& restart) {
  return fmt::format("[{}{}{}]", restart.on_node ? "node" : "",
                     restart.on_node && restart.on_exit ? ", " : "", restart.on_exit ? "exit" : "");
}

}  // namespace

std::string print_job(const JobSpec& spec) {
  Printer out;
  out.line("weft", spec.version);
  if (!spec.name.empty()) out.line("name", quote(spec.name));
  out.pairs("labels", spec.labels);
  out.line("priority", spec.priority);
  out.line("nodes", spec.nodes);
  out.line("gpus_per_node", spec.gpus_per_node);
  out.line("ranks_per_node", spec.ranks_per_node);
  out.line("time", to_string(spec.time));
  print_lease(out, spec);
  if (!spec.use_lease) {
    out.head("slice");
    out.line("within", to_string(spec.within), 1);
    out.line("exclusive", to_string(spec.exclusive), 1);
  }
  out.head("checkpoint");
  out.line("signal", signal_word(spec.checkpoint_signal), 1);
  if (!spec.checkpoint_dir.empty()) out.line("dir", quote(spec.checkpoint_dir), 1);
  out.line("grace", to_string(spec.checkpoint_grace), 1);
  out.head("restart");
  out.line("max", spec.restart.max, 1);
  out.line("backoff", to_string(spec.restart.backoff), 1);
  out.line("when", when_of(spec.restart), 1);
  out.head("comm");
  out.line("backend", spec.backend.empty() ? "weft" : spec.backend, 1);
  out.pairs("env", spec.env);
  if (!spec.setup.empty()) out.line("setup", quote(spec.setup));
  out.line("run", list_of(spec.run));
  if (!spec.workdir.empty()) out.line("workdir", quote(spec.workdir));
  out.head("logs");
  out.line("keep", spec.logs_keep_all ? "all" : "failed", 1);
  out.line(
      "console",
      spec.console_ranks.empty() ? "all" : fmt::format("[{}]", fmt::join(spec.console_ranks, ", ")),
      1);
  return out.take();
}

}  // namespace weft::yaml
