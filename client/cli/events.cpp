// weft events: what happened, in order.
#include <fmt/format.h>

#include <csignal>

#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {
namespace {

constexpr Duration events_wait = seconds(20);

void print(const Events& events) {
  for (const EventLine& event : events.events)
    fmt::print("{}  {:<6} {}\n", clock_time(event.at), painted(event.kind, Colour::dim),
               event.text);
  std::fflush(stdout);
}

}  // namespace

int verb_events(const Arguments& arguments) {
  Flags flags("events", "[-f] [--job JOB] [flags]",
              "Prints what happened: jobs, leases, nodes, offers, keys, money. The operator sees "
              "everything.");
  Common common(Speaks::asks);
  bool follow = false;
  ReadEvents request;
  std::uint64_t after = 0;
  flags.flag("-f,--follow", follow, "go on until interrupted");
  flags.option("-j,--job", "JOB", "only of this job", take_id(request.job));
  flags.option("--after", "SEQ", "only what came after this position",
               [&after](const std::string& text) -> Result<void> {
                 auto position = parse_id(text, '\0');
                 if (!position && text != "0") return tl::make_unexpected(position.error());
                 after = position ? *position : 0;
                 return {};
               });
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  request.after = {after};
  auto client = connect(common, {"operator", "customer", "seller"});
  if (!client) return refuse("events", client.error());
  for (;;) {
    client::CallOptions options = common.reading();
    if (follow && request.wait.ms != 0) options.timeout = client::no_deadline;
    auto reply = (*client)->get<Events>(request, options);
    if (!reply) return refuse("events", reply.error());
    if (common.json)
      print_json(*reply);
    else
      print(*reply);
    const bool more = reply->last > request.after && !reply->events.empty();
    request.after = reply->last;
    if (!follow && !more) return exit_done;
    if (common.json && !follow) return exit_done;  // one document; page on with --after
    request.wait = follow ? events_wait : Duration{};
  }
}

}  // namespace weft::cli
