#include "client/cli/verbs.hpp"

#include <fmt/format.h>

#include <array>

#include "client/cli/flags.hpp"
#include "client/cli/session.hpp"

namespace weft::cli {
namespace {

constexpr std::array all_verbs{
    Verb{"run", "submit a job, stream its output, return its exit code", verb_run, "jobs"},
    Verb{"bench", "measure a collective on a slice, as nccl-tests does", verb_bench},
    Verb{"submit", "queue a job from a file", verb_submit},
    Verb{"ps", "list jobs", verb_ps},
    Verb{"show", "one job: state, timeline, ranks, who broke it", verb_show},
    Verb{"why", "why a job waits and what would start it, or how it ended", verb_why},
    Verb{"logs", "output of a job's ranks", verb_logs},
    Verb{"cancel", "stop a job, or send its ranks a signal", verb_cancel},
    Verb{"wait", "wait for a job, return its exit code", verb_wait},
    Verb{"quote", "ask for a firm price", verb_quote, "market"},
    Verb{"accept", "turn a quote into a lease", verb_accept},
    Verb{"lease", "list, show, release leases", verb_lease},
    Verb{"slice", "list, show, verify the parts of the fabric that leases own", verb_slice},
    Verb{"bill", "what was used and what it costs; --verify recomputes it", verb_bill},
    Verb{"offer", "put, list, withdraw offers of nodes", verb_offer},
    Verb{"nodes", "list nodes", verb_nodes, "operation"},
    Verb{"events", "what happened", verb_events},
    Verb{"keys", "new, list, revoke keys", verb_keys},
    Verb{"account", "deposit into and list accounts", verb_account},
    Verb{"fabric", "descriptions, pictures and simulations of fabrics", verb_fabric, "planning"},
    Verb{"up", "start a broker and workers on this machine", verb_up, "this machine"},
    Verb{"down", "stop what `weft up` started, leave nothing behind", verb_down},
    Verb{"version", "versions of this program and of the broker", verb_version},
};

std::string help_of(const std::string& program, std::span<const Verb> entries) {
  std::string out = fmt::format("usage: {} VERB [arguments]\n", program);
  for (const Verb& verb : entries) {
    if (*verb.group != '\0')
      out += fmt::format("\n{}\n", verb.group);
    else if (&verb == entries.data())
      out += "\n";
    out += fmt::format("  {:<10} {}\n", verb.name, verb.summary);
  }
  out += fmt::format("\n`{} VERB --help` shows the flags of a verb.\n", program);
  return out;
}

bool is_help(const std::string& word) { return word == "--help" || word == "-h" || word == "help"; }

}  // namespace

std::span<const Verb> verbs() { return all_verbs; }

int dispatch(const std::string& program, std::span<const Verb> entries,
             const Arguments& arguments) {
  if (arguments.empty()) {
    fmt::print(stderr, "{}", help_of(program, entries));
    return exit_usage;
  }
  const std::string& word = arguments.front();
  Arguments rest(arguments.begin() + 1, arguments.end());
  if (is_help(word)) {
    if (rest.empty() || rest.front().starts_with("-")) {
      fmt::print("{}", help_of(program, entries));
      return exit_done;
    }
    return dispatch(program, entries, {rest.front(), "--help"});
  }
  for (const Verb& verb : entries)
    if (word == verb.name) return verb.run(rest);
  std::vector<std::string> names;
  for (const Verb& verb : entries) names.emplace_back(verb.name);
  const std::string near = nearest(word, names);
  fmt::print(stderr, "{}: usage: '{}' is not a verb{}; `{} --help` lists them\n", program, word,
             near.empty() ? "" : fmt::format("; did you mean '{}'?", near), program);
  return exit_usage;
}

}  // namespace weft::cli
