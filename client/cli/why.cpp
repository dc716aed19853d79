// weft why: why a job waits and what would start it now, or how it ended.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {

std::string why_text(const Why& why) {
  std::string out = why.summary + "\n";
  std::size_t width = 0, number = 0;
  for (const Fix& fix : why.fixes) width = std::max(width, fix.what.size());
  for (const Fix& fix : why.fixes)
    out += fmt::format("  [{}] {:<{}}   {}\n", ++number, fix.what, width, fix.then);
  if (!why.clear.empty()) out += fmt::format("  not blocking: {}\n", fmt::join(why.clear, ", "));
  if (why.blame.code != Code::none) out += painted(blame_text(why.blame, 0), Colour::red);
  return out;
}

int verb_why(const Arguments& arguments) {
  Flags flags(
      "why", "JOB [flags]",
      "Names what a waiting job waits for and the smallest changes that would start it now;\n"
      "of a job that has ended, how it ended and who broke it.");
  Common common(Speaks::asks);
  WhyJob request;
  flags.argument("JOB", "id of the job", take_id(request.job));
  if (const int code = begin(flags, common, arguments); code >= 0) return code;

  auto client = connect(common, {"customer", "operator"});
  if (!client) return refuse("why", client.error());
  auto reply = (*client)->get<Why>(request, common.reading());
  if (!reply) return refuse("why", reply.error());
  if (common.json)
    print_json(*reply);
  else
    fmt::print("{}", why_text(*reply));
  return exit_done;
}

}  // namespace weft::cli
