// weft offer: what an owner puts up for rent.
#include <fmt/format.h>

#include <array>

#include "client/cli/leases.hpp"
#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/times.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {
namespace {

void print(client::Client& client, const Common& common, const OfferList& list) {
  const NodeNames names = node_names(client, common.reading());
  Table table({">OFFER", "STATE", "OWNER", ">FLOOR", "NOTICE", "FROM", "UNTIL", "NODES"});
  const Instant at = now();
  for (const Offer& offer : list.offers)
    table.row({fmt::format("O{}", offer.id.value), std::string(to_string(offer.state)), offer.owner,
               dollars(offer.floor), offer.notice.ms == 0 ? "firm" : to_string(offer.notice),
               ago(offer.from, at), ago(offer.until, at), names_of(offer.nodes, names)});
  fmt::print("{}", table.text());
}

int answer(const char* verb, client::Client& client, const Common& common,
           const Result<OfferList>& reply) {
  if (!reply) return refuse(verb, reply.error());
  if (common.json)
    print_json(*reply);
  else
    print(client, common, *reply);
  return exit_done;
}

int offer_put(const Arguments& arguments) {
  Flags flags(
      "offer put", "[NODE...] --floor PRICE [flags]",
      "Offers nodes for rent: those named, or all of yours. A node is in at most one live offer.");
  Common common;
  PutOffer request;
  flags.rest("NODE...", "names of the nodes (default: all of yours)", request.nodes);
  flags.price("--floor", request.floor,
              "least price, dollars per unit-hour, e.g. 1.10 (default 0)");
  flags.duration("--notice", request.notice,
                 "given before you take nodes back; without it leases are firm");
  flags.option("--from", "TIME", "first moment: `now` (default), +2h, 20:00, or RFC 3339",
               take_time(request.from));
  flags.option("--until", "TIME", "last moment: +8h, 08:00, or RFC 3339 (default: open end)",
               take_time(request.until));
  flags.example("weft offer put n1 n2 --floor 1.10 --notice 120s --until 08:00",
                "two nodes, until the morning");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto client = connect(common, {"seller", "operator"});
  if (!client) return refuse("offer put", client.error());
  return answer("offer put", **client, common,
                (*client)->get<OfferList>(request, common.mutating()));
}

int offer_list(const Arguments& arguments) {
  Flags flags("offer list", "[flags]", "Lists the offers that are not closed.");
  Common common(Speaks::asks);
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto client = connect(common, {"seller", "operator", "customer"});
  if (!client) return refuse("offer list", client.error());
  return answer("offer list", **client, common,
                (*client)->get<OfferList>(ListOffers{}, common.reading()));
}

int offer_withdraw(const Arguments& arguments) {
  Flags flags("offer withdraw", "OFFER [flags]",
              "Ends an offer: nothing new is let; leases on it run to their end.");
  Common common;
  WithdrawOffer request;
  flags.argument("OFFER", "id of the offer", take_id(request.offer, 'O'));
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto client = connect(common, {"seller", "operator"});
  if (!client) return refuse("offer withdraw", client.error());
  return answer("offer withdraw", **client, common,
                (*client)->get<OfferList>(request, common.mutating()));
}

constexpr std::array offer_verbs{Verb{"put", "offer nodes", offer_put},
                                 Verb{"list", "list offers", offer_list},
                                 Verb{"withdraw", "end an offer", offer_withdraw}};

}  // namespace

int verb_offer(const Arguments& arguments) {
  return dispatch("weft offer", offer_verbs, arguments);
}

}  // namespace weft::cli
