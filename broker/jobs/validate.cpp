#include "broker/jobs/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace weft::broker::jobs {
namespace {

using Problem = std::optional<Error>;

Error error(Code code, std::string detail) { return {code, std::move(detail)}; }
template <class T>
Problem outside(std::string_view key, T value, T least, T most) {
  if (value >= least && value <= most) return {};
  return error(Code::spec_range, fmt::format("{}: {}; {} to {}", key, value, least, most));
}
Problem outside(std::string_view key, Duration value, Duration least, Duration most) {
  if (value >= least && value <= most) return {};
  return error(Code::spec_range, fmt::format("{}: {}; {} to {}", key, to_string(value),
                                             to_string(least), to_string(most)));
}

Problem shape(const JobSpec& s) {
  if (s.version != 1)
    return error(Code::spec_version,
                 fmt::format("weft: {}; this broker reads version 1", s.version));
  if (!good_name(s.name))
    return error(Code::spec_range, fmt::format("name: '{}'; 1 to 63 of a-z 0-9 -", s.name));
  if (auto p = outside("priority", s.priority, -100, 100)) return p;
  if (auto p = outside("nodes", s.nodes, 1u, limits::nodes_per_job_max)) return p;
  if (auto p = outside("gpus_per_node", s.gpus_per_node, 0u, limits::gpus_per_node_max)) return p;
  if (auto p = outside("ranks_per_node", s.ranks_per_node, 1u, limits::ranks_per_node_max))
    return p;
  const std::uint64_t ranks = std::uint64_t{s.nodes} * s.ranks_per_node;
  if (ranks > limits::ranks_per_job_max)
    return error(Code::spec_range, fmt::format("nodes x ranks_per_node: {}; at most {}", ranks,
                                               limits::ranks_per_job_max));
  for (const std::uint32_t rank : s.console_ranks)
    if (rank >= ranks)
      return error(Code::spec_range, fmt::format("logs.console: rank {}; the job has ranks 0 to {}",
                                                 rank, ranks - 1));
  return outside("time", s.time, limits::job_time_min, limits::job_time_max);
}

Problem lease(const JobSpec& s, const Prices& prices) {
  if (s.use_lease) {
    if (s.has_price_max || s.cost_cap.micros != 0 || s.notice.ms != 0 || s.start_by.ms != 0)
      return error(Code::spec_conflict,
                   "lease.use: the lease has its price and notice already; leave out max_price, "
                   "cost_cap, notice and start_by");
    return {};
  }
  if (s.has_price_max && s.price_max.micros < 0)
    return error(Code::spec_range, "lease.max_price: below 0; a price per unit-hour, e.g. 2.40");
  if (s.cost_cap.micros < 0 || s.cost_cap > limits::money_max)
    return error(Code::spec_range, fmt::format("lease.cost_cap: {}; 0 to {}", to_string(s.cost_cap),
                                               to_string(limits::money_max)));
  if (!prices.all_zero && !s.has_price_max && s.cost_cap.micros == 0)
    return error(
        Code::spec_price_missing,
        "lease: prices here are not 0; give max_price (-p 2.40, per unit-hour) or cost_cap");
  if (s.notice.ms != 0)
    if (auto p = outside("lease.notice", s.notice, limits::notice_min, limits::notice_max))
      return p;
  if (auto p = outside("lease.keep", s.keep, Duration{}, hours(24))) return p;
  return outside("lease.start_by", s.start_by, Duration{}, limits::job_time_max);
}

Problem policy(const JobSpec& s) {
  if (auto p = outside("restart.max", s.restart.max, 0u, limits::restarts_max)) return p;
  if (auto p = outside("restart.backoff", s.restart.backoff, Duration{}, hours(24))) return p;
  constexpr std::array<std::uint32_t, 4> signals{0, 10, 12, 15};
  if (std::find(signals.begin(), signals.end(), s.checkpoint_signal) == signals.end())
    return error(Code::spec_range, fmt::format("checkpoint.signal: {}; TERM, USR1, USR2 or none",
                                               s.checkpoint_signal));
  if (auto p = outside("checkpoint.grace", s.checkpoint_grace, Duration{}, hours(24))) return p;
  if (s.checkpoint_grace.ms > s.time.ms / 2)
    return error(Code::spec_conflict,
                 fmt::format("checkpoint.grace: {}; at most half of time ({})",
                             to_string(s.checkpoint_grace), to_string(s.time)));
  if (s.backend != "weft" && s.backend != "none")
    return error(Code::spec_range, fmt::format("comm.backend: '{}'; weft or none", s.backend));
  return {};
}

Problem environment(const JobSpec& s) {
  std::set<std::string_view> seen;
  for (const KeyValue& variable : s.env) {
    const std::string& name = variable.name;
    const auto letter = [](char c) {
      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    };
    if (name.empty() || (name[0] >= '0' && name[0] <= '9') ||
        !std::all_of(name.begin(), name.end(), letter))
      return error(Code::spec_range,
                   fmt::format("env: '{}' is no name of a variable; letters, digits and _", name));
    if (reserved_variable(name))
      return error(Code::spec_reserved,
                   fmt::format("env.{}: set by weft; choose another name", name));
    if (!seen.insert(name).second)
      return error(Code::spec_duplicate, fmt::format("env.{}: given twice", name));
    if (variable.value.find('\0') != std::string::npos)
      return error(Code::spec_range, fmt::format("env.{}: holds a zero byte", name));
  }
  return {};
}

Problem program(const JobSpec& s) {
  if (s.run.empty() || s.run.front().empty())
    return error(Code::spec_missing,
                 "run: missing; the program and its arguments, e.g. run: [./train]");
  std::size_t bytes = s.setup.size() + s.workdir.size() + s.checkpoint_dir.size();
  for (const std::string& argument : s.run) {
    bytes += argument.size();
    if (argument.find('\0') != std::string::npos)
      return error(Code::spec_range, "run: an argument holds a zero byte");
  }
  for (const auto* list : {&s.env, &s.labels})
    for (const KeyValue& pair : *list) bytes += pair.name.size() + pair.value.size();
  if (bytes > limits::job_spec_bytes_max)
    return error(Code::spec_size, fmt::format("run, env and labels: {} bytes; at most {}", bytes,
                                              limits::job_spec_bytes_max));
  if (!s.workdir.empty() && s.workdir.front() != '/')
    return error(Code::spec_range, fmt::format("workdir: '{}'; an absolute path", s.workdir));
  if (!s.checkpoint_dir.empty() && s.checkpoint_dir.front() != '/')
    return error(Code::spec_range,
                 fmt::format("checkpoint.dir: '{}'; an absolute path", s.checkpoint_dir));
  return {};
}

}  // namespace

bool good_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !name.empty() && name.size() <= limits::name_bytes_max &&
         std::all_of(name.begin(), name.end(), letter);
}

bool reserved_variable(std::string_view name) {
  constexpr std::array<std::string_view, 11> ranks{
      "RANK",        "LOCAL_RANK",      "WORLD_SIZE", "LOCAL_WORLD_SIZE",
      "MASTER_ADDR", "MASTER_PORT",     "GROUP_RANK", "GROUP_WORLD_SIZE",
      "ROLE_RANK",   "ROLE_WORLD_SIZE", "ROLE_NAME"};
  return name.starts_with("WEFT_") || name.starts_with("TORCHELASTIC_") ||
         std::find(ranks.begin(), ranks.end(), name) != ranks.end();
}

Result<JobSpec> resolve(JobSpec spec, const Prices& prices) {
  if (spec.name.empty()) spec.name = "job";
  if (spec.backend.empty()) spec.backend = "weft";
  Problem problem = shape(spec);
  if (!problem) problem = lease(spec, prices);
  if (!problem) problem = policy(spec);
  if (!problem) problem = environment(spec);
  if (!problem) problem = program(spec);
  if (problem) return tl::make_unexpected(std::move(*problem));
  return spec;
}

}  // namespace weft::broker::jobs
