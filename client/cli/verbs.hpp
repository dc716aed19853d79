// The verbs of `weft`, one file each. A verb takes its arguments (without its own name) and returns
// the exit code.
#pragma once
#include <span>
#include <string>
#include <vector>

namespace weft::cli {

using Arguments = std::vector<std::string>;

struct Verb {
  const char* name;
  const char* summary;
  int (*run)(const Arguments&);
  const char* group = "";  // a heading of `weft --help`; empty: the one above
};
std::span<const Verb> verbs();

// Runs the entry of `table` named by the first argument; help and errors speak of `program`
// ("weft", or "weft lease" for verbs with verbs of their own).
int dispatch(const std::string& program, std::span<const Verb> table, const Arguments& arguments);

int verb_up(const Arguments&);
int verb_down(const Arguments&);
int verb_run(const Arguments&);
int verb_submit(const Arguments&);
int verb_ps(const Arguments&);
int verb_show(const Arguments&);
int verb_why(const Arguments&);
int verb_logs(const Arguments&);
int verb_cancel(const Arguments&);
int verb_wait(const Arguments&);
int verb_nodes(const Arguments&);
int verb_offer(const Arguments&);
int verb_quote(const Arguments&);
int verb_accept(const Arguments&);
int verb_lease(const Arguments&);
int verb_bench(const Arguments&);
int verb_slice(const Arguments&);
int slice_certificate(const Arguments&);
int verb_bill(const Arguments&);
int verb_keys(const Arguments&);
int verb_account(const Arguments&);
int verb_events(const Arguments&);
int verb_fabric(const Arguments&);
int verb_version(const Arguments&);

}  // namespace weft::cli
