// weft down: stops what `weft up` started and leaves nothing of it behind.
#include <fmt/format.h>
#include <unistd.h>

#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/up/tear_down.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {

int verb_down(const Arguments& arguments) {
  Flags flags("down", "[--purge] [flags]",
              "Cancels live jobs, then stops workers, broker and supervisor and removes "
              "namespaces, sockets\n"
              "and run directories. The journal, keys and logs stay for the next `weft up`.");
  Common common(Speaks::for_itself, seconds(15));  // for the jobs to end in order
  bool remove_state = false;
  flags.flag("--purge", remove_state, "also remove the state directory: journal, keys, logs");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto state = client::find_state_dir(common.state);
  if (!state) return refuse("down", state.error());
  if (access(state->root.c_str(), F_OK) != 0) {
    if (common.json)
      print_json({{"state", state->root}, {"stopped", "nothing"}});
    else
      fmt::print("nothing to stop: {} does not exist\n", state->root);
    return exit_done;
  }
  const std::uint32_t jobs = cancel_jobs(*state, common.timeout);
  auto done = tear_down(*state);
  if (!done) return refuse("down", done.error());
  done->jobs = jobs;
  if (remove_state)
    if (auto purged = purge(*state); !purged) return refuse("down", purged.error());
  if (common.json) {
    print_json({{"state", state->root},
                {"jobs", std::to_string(done->jobs)},
                {"workers", std::to_string(done->workers)},
                {"strays", std::to_string(done->ranks)},
                {"namespaces", std::to_string(done->namespaces)},
                {"broker", done->broker ? "stopped" : "was not running"},
                {"purged", remove_state ? "yes" : "no"}});
  } else if (done->nothing()) {
    fmt::print("nothing was running in {}{}\n", state->root, remove_state ? "; removed" : "");
  } else {
    fmt::print("stopped {}, {}, {}; removed {}{}\n", counted(done->jobs, "job"),
               counted(done->workers, "worker"), done->broker ? "the broker" : "no broker",
               counted(done->namespaces, "network namespace"),
               remove_state ? " and " + state->root : "");
  }
  return exit_done;
}

}  // namespace weft::cli
