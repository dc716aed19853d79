// weft quote and weft accept: a firm price for nodes, and the lease that it turns into.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "client/cli/leases.hpp"
#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {
namespace {

void print(const QuoteReply& reply) {
  const Quote& quote = reply.quote;
  fmt::print("quote Q{}: {} at {} a unit-hour ({} units) for {}, {}\n", quote.id.value,
             fmt::join(reply.nodes, " "), dollars(quote.price), quote.units, to_string(quote.term),
             quote.notice.ms == 0 ? "firm" : "notice " + to_string(quote.notice));
  fmt::print("  at most {}; held until {} (`weft accept Q{}`)\n", dollars(reply.cost_max),
             clock_time(quote.expires_at), quote.id.value);
}

}  // namespace

int verb_quote(const Arguments& arguments) {
  Flags flags("quote", "-N COUNT -t DURATION [flags]",
              "Asks for a firm price; the nodes are held until the quote lapses or `weft accept` "
              "takes it.");
  Common common;
  AskQuote request;
  request.term = hours(1);
  flags.number("-N,--nodes", request.nodes, 1, limits::nodes_per_job_max, "nodes (default 1)");
  flags.number("--gpus-per-node", request.gpus_per_node, 0, limits::gpus_per_node_max,
               "least GPUs that a node must have");
  flags.duration("-t,--time", request.term, "term, e.g. 90s, 1h30m (default 1h)");
  flags.duration("--notice", request.notice,
                 "accept nodes that are reclaimed after this notice (default: firm)");
  flags.duration("--ttl", request.ttl, "hold the quote this long (default 60s, at most 5m)");
  const auto word = [&flags](const char* name, const char* value, const auto& words,
                             const char* help, auto& out) {
    flags.option(name, value, help, [&words, &out, name](const std::string& text) -> Result<void> {
      for (std::size_t i = 0; i < words.size(); ++i)
        if (text == words[i]) {
          out = static_cast<std::decay_t<decltype(out)>>(i);
          return {};
        }
      return fail(Code::usage,
                  fmt::format("{}: '{}'; allowed: {}", name, text, fmt::join(words, ", ")));
    });
  };
  word("--within", "LEVEL", enum_names::within,
       "lowest level that holds all nodes: leaf, block or any (default any)", request.within);
  word("--exclusive", "WHAT", enum_names::slice_exclusive,
       "what nobody else touches: links, switches or none (default links)", request.exclusive);
  flags.price("-p,--max-price", request.price_max, "refuse above this, dollars per unit-hour");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  request.has_price_max = flags.given("--max-price");
  auto client = connect(common, {"customer", "operator"});
  if (!client) return refuse("quote", client.error());
  auto reply = (*client)->get<QuoteReply>(request, common.mutating());
  if (!reply) return refuse("quote", reply.error());
  if (common.json)
    print_json(*reply);
  else
    print(*reply);
  return exit_done;
}

int verb_accept(const Arguments& arguments) {
  Flags flags("accept", "QUOTE [--decline] [flags]",
              "Turns a quote into a lease, or gives its nodes back.");
  Common common;
  QuoteId quote;
  bool decline = false;
  flags.argument("QUOTE", "id of the quote", take_id(quote, 'Q'));
  flags.flag("--decline", decline, "do not take it: free its nodes");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto client = connect(common, {"customer", "operator"});
  if (!client) return refuse("accept", client.error());
  if (decline) {
    auto reply = (*client)->get<Done>(DeclineQuote{quote}, common.mutating());
    if (!reply) return refuse("accept", reply.error());
    if (common.json)
      print_json(*reply);
    else
      fmt::print("quote Q{}: declined\n", quote.value);
    return exit_done;
  }
  auto reply = (*client)->get<LeaseList>(AcceptQuote{quote}, common.mutating());
  if (!reply) return refuse("accept", reply.error());
  if (common.json)
    print_json(*reply);
  else
    print_leases(*reply, node_names(**client, common.reading()));
  return exit_done;
}

}  // namespace weft::cli
