#include <fmt/format.h>

#include <algorithm>

#include "schemas/yaml/job_keys.hpp"

namespace weft::yaml {
namespace {

// "train/My_Job.v2.yaml" -> "my-job-v2"
std::string name_from(std::string_view file_name) {
  file_name.remove_prefix(std::min(file_name.rfind('/') + 1, file_name.size()));
  for (const std::string_view ending : {".yaml", ".yml", ".sh", ".py"})
    if (file_name.ends_with(ending) && file_name.size() > ending.size())
      file_name.remove_suffix(ending.size());
  std::string out;
  for (const char c : file_name.substr(0, limits::name_bytes_max)) {
    const bool lower = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    out += lower ? c : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : '-';
  }
  const std::size_t first = out.find_first_not_of('-');
  return first == out.npos ? "job" : out.substr(first, out.find_last_not_of('-') - first + 1);
}

Place place_of(const Node& root, std::string_view path) {
  const Entry* entry = find_entry(root, path);
  return entry ? entry->value.at : Place{0, 0};
}

void check_lease(Reader& reader, const Node& root, const JobSpec& spec) {
  if (!spec.use_lease) return;
  for (const std::string_view key :
       {"lease.start", "lease.max_price", "lease.cost_cap", "lease.notice"})
    if (find_entry(root, key))
      reader.problem(place_of(root, key), Code::spec_conflict, std::string(key),
                     "is settled by the lease that lease.use names; leave one of the two out");
}

constexpr Duration default_grace = seconds(60);

// A save must fit into the notice and leave half of the time for work. The default gives way; what
// was written does not.
void settle_grace(Reader& reader, const Node& root, JobSpec& spec) {
  if (!find_entry(root, "checkpoint")) return;  // it saves nothing, and needs no time for it
  if (!find_entry(root, "checkpoint.grace")) spec.checkpoint_grace = default_grace;
  const Duration half{spec.time.ms / 2};
  const bool surplus = spec.notice.ms > 0;
  const Duration most = surplus ? std::min(spec.notice, half) : half;
  if (spec.checkpoint_grace <= most) return;
  if (!find_entry(root, "checkpoint.grace")) {
    spec.checkpoint_grace = most;
    return;
  }
  reader.problem(place_of(root, "checkpoint.grace"), Code::spec_conflict, "checkpoint.grace",
                 fmt::format("{} is more than {} ({}); allowed is at most {}",
                             weft::to_string(spec.checkpoint_grace),
                             most == half ? "half of time" : "lease.notice", weft::to_string(most),
                             weft::to_string(most)));
}

void check_ranks(Reader& reader, const Node& root, const JobSpec& spec) {
  const std::uint64_t ranks = std::uint64_t{spec.nodes} * spec.ranks_per_node;
  if (ranks > limits::ranks_per_job_max) {
    const char* key = find_entry(root, "ranks_per_node") ? "ranks_per_node" : "nodes";
    reader.problem(place_of(root, key), Code::spec_range, key,
                   fmt::format("{} nodes with {} ranks each are {} ranks; a job has at most {}",
                               spec.nodes, spec.ranks_per_node, ranks, limits::ranks_per_job_max));
    return;
  }
  for (const std::uint32_t rank : spec.console_ranks)
    if (rank >= ranks && find_entry(root, "logs.console"))
      reader.problem(place_of(root, "logs.console"), Code::spec_range, "logs.console",
                     fmt::format("the job has no rank {}; allowed are 0 to {}", rank, ranks - 1));
}

void check_size(Reader& reader, const JobSpec& spec) {
  std::size_t bytes = spec.setup.size();
  for (const std::string& argument : spec.run) bytes += argument.size() + 8;
  for (const KeyValue& pair : spec.env) bytes += pair.name.size() + pair.value.size() + 16;
  const bool long_argument = std::any_of(
      spec.run.begin(), spec.run.end(),
      [](const std::string& argument) { return argument.size() > limits::argument_bytes_max; });
  if (long_argument || spec.run.size() > limits::arguments_max)
    reader.problem({from_command_line, 0}, Code::spec_size, "run",
                   fmt::format("too long a command; at most {} arguments of {} bytes",
                               limits::arguments_max, limits::argument_bytes_max));
  else if (bytes > limits::job_spec_bytes_max)
    reader.problem({0, 0}, Code::spec_size, "run",
                   fmt::format("run, env and setup hold {} bytes; at most {} together", bytes,
                               limits::job_spec_bytes_max));
}

}  // namespace

const Entry* find_entry(const Node& root, std::string_view path) {
  const std::size_t dot = path.find('.');
  for (const Entry& entry : root.entries)
    if (entry.key == path.substr(0, dot))
      return dot == path.npos ? &entry : find_entry(entry.value, path.substr(dot + 1));
  return nullptr;
}

void complete_job(Reader& reader, const Node& root, std::string_view file_name, JobSpec& spec) {
  if (!find_entry(root, "nodes")) reader.missing("nodes", "is missing; write e.g. nodes: 4");
  if (!find_entry(root, "time"))
    reader.missing("time", "is missing; write how long the slice is rented, e.g. time: 4h");
  if (!find_entry(root, "run") && spec.run.empty())
    reader.missing("run", "is missing; write what each rank runs, e.g. run: [python3, train.py]");
  if (spec.name.empty())
    spec.name = name_from(
        file_name.empty() && !spec.run.empty() ? std::string_view(spec.run.front()) : file_name);
  if (spec.backend.empty()) spec.backend = "weft";
  if (!find_entry(root, "ranks_per_node")) spec.ranks_per_node = std::max(1U, spec.gpus_per_node);
  if (!find_entry(root, "logs.console")) spec.console_ranks = {0};
  check_lease(reader, root, spec);
  settle_grace(reader, root, spec);
  check_ranks(reader, root, spec);
  check_size(reader, spec);
}

}  // namespace weft::yaml
