// The job spec in its resolved form: every default filled in, base units. This is what is
// journaled, so a later default never changes an old job. Its YAML form is read by
// schemas/yaml/job.hpp.
//
// Every mirror struct has one static `fields(self, visit)`: the single list of its fields, used by
// the codec, JSON output, digests and fuzzing alike. The third argument of a call is the largest
// size of a text, blob or list.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/money.hpp"
#include "base/time.hpp"
#include "schemas/enums.hpp"

namespace weft {

struct KeyValue {
  std::string name, value;
  bool operator==(const KeyValue&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("name", s.name, limits::argument_bytes_max);
    v("value", s.value, limits::argument_bytes_max);
  }
};

struct RestartPolicy {
  std::uint32_t max = 3;                 // restarts after failures; 0: none
  Duration backoff = seconds(5);         // doubles up to 5 min
  bool on_node = true, on_exit = false;  // restart.when: a lost node; a rank's bad exit
  bool operator==(const RestartPolicy&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("max", s.max);
    v("backoff", s.backoff);
    v("on_node", s.on_node);
    v("on_exit", s.on_exit);
  }
};

struct JobSpec {
  std::uint32_t version = 1;
  std::string name;
  std::vector<KeyValue> labels;
  std::int32_t priority = 0;  // -100..100, within an account
  std::uint32_t nodes = 1;
  std::uint32_t gpus_per_node = 0;
  std::uint32_t ranks_per_node = 1;
  Duration time = hours(1);  // lease term and hard limit
  // lease
  LeaseId use_lease;  // run on this lease; 0: rent one
  Price price_max;    // per unit-hour; has_price_max false: no cap
  bool has_price_max = false;
  Money cost_cap;     // over all leases of the job; 0: none
  Duration notice;    // 0 = `never`: a firm lease
  Duration keep;      // keep the slice, billed, after the job
  Duration start_by;  // give up when not placed this long after submission; 0: never
  // slice
  SliceWithin within{};
  SliceExclusive exclusive{};
  // checkpoint
  std::string checkpoint_dir;            // empty: the job's own directory
  std::uint32_t checkpoint_signal = 15;  // 0: none
  Duration checkpoint_grace;  // for one save, from signal to kill; 0: the broker's stop_grace
  RestartPolicy restart;
  std::string backend;  // comm.backend: weft or none
  std::vector<KeyValue> env;
  std::string setup;             // shell text, once per node; empty: none
  std::vector<std::string> run;  // argv, once per rank
  std::string workdir;           // absolute path on the node
  bool logs_keep_all = true;
  std::vector<std::uint32_t> console_ranks;  // empty: all
  bool operator==(const JobSpec&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("version", s.version);
    v("name", s.name, limits::name_bytes_max);
    v("labels", s.labels, limits::labels_max);
    v("priority", s.priority);
    v("nodes", s.nodes);
    v("gpus_per_node", s.gpus_per_node);
    v("ranks_per_node", s.ranks_per_node);
    v("time", s.time);
    v("use_lease", s.use_lease);
    v("price_max", s.price_max);
    v("has_price_max", s.has_price_max);
    v("cost_cap", s.cost_cap);
    v("notice", s.notice);
    v("keep", s.keep);
    v("start_by", s.start_by);
    v("checkpoint_dir", s.checkpoint_dir, limits::text_bytes_max);
    v("checkpoint_signal", s.checkpoint_signal);
    v("checkpoint_grace", s.checkpoint_grace);
    v("restart", s.restart);
    v("backend", s.backend, limits::name_bytes_max);
    v("env", s.env, limits::environment_max);
    v("setup", s.setup, limits::argument_bytes_max);
    v("run", s.run, limits::arguments_max);
    v("workdir", s.workdir, limits::text_bytes_max);
    v("logs_keep_all", s.logs_keep_all);
    v("console_ranks", s.console_ranks, limits::ranks_per_job_max);
    v("within", s.within);
    v("exclusive", s.exclusive);
  }
};

}  // namespace weft
