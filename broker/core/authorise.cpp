#include "broker/core/authorise.hpp"

#include <fmt/format.h>

#include <array>

namespace weft::broker {
namespace {

struct Rule {
  bool seller, customer, changes;
};
// clang-format off
constexpr Rule rules[] = {      // in the order of RequestBody
    /* unknown */       {false, false, false},
    /* Hello */         {true,  true,  false},
    /* SubmitJob */     {false, true,  true},
    /* CancelJob */     {false, true,  true},
    /* ShowJob */       {false, true,  false},
    /* WhyJob */        {false, true,  false},
    /* ListJobs */      {false, true,  false},
    /* WaitJob */       {false, true,  false},
    /* SignalJob */     {false, true,  false},
    /* ReadLog */       {false, true,  false},
    /* ListNodes */     {true,  true,  false},
    /* PutOffer */      {true,  false, true},
    /* ListOffers */    {true,  true,  false},
    /* WithdrawOffer */ {true,  false, true},
    /* AskQuote */      {false, true,  true},
    /* AcceptQuote */   {false, true,  true},
    /* DeclineQuote */  {false, true,  true},
    /* ListLeases */    {true,  true,  false},
    /* ReleaseLease */  {false, true,  true},
    /* AskBill */       {true,  true,  false},
    /* ReadJournal */   {true,  true,  false},
    /* EnrollKey */     {false, false, true},
    /* ListKeys */      {true,  true,  false},
    /* RevokeKey */     {false, false, true},
    /* Deposit */       {false, false, true},
    /* ListAccounts */  {true,  true,  false},
    /* ReadEvents */    {true,  true,  false},
    /* ListSlices */    {true,  true,  false},
    /* VerifySlice */   {false, true,  false},
    /* ClearQuarantine */ {false, false, true},
    /* ReadCertificates */ {true, true, false},
};
// clang-format on
static_assert(std::size(rules) == std::variant_size_v<RequestBody>, "one row per request");

std::string_view name_of(const RequestBody& request) {
  return std::visit(
      [](const auto& r) -> std::string_view {
        if constexpr (requires { r.name; })
          return r.name;
        else
          return "nothing";
      },
      request);
}

}  // namespace

Result<void> authorise(Role role, const RequestBody& request) {
  const Rule& rule = rules[request.index()];
  const bool allowed = (role == Role::operator_ && request.index() != 0) ||
                       (role == Role::seller && rule.seller) ||
                       (role == Role::customer && rule.customer);
  if (allowed) return {};
  return fail(Code::auth_denied,
              fmt::format("a {} key may not ask for {}", to_string(role), name_of(request)));
}

bool mutating(const RequestBody& request) {
  if (const auto* submit = std::get_if<SubmitJob>(&request)) return !submit->dry_run;
  return rules[request.index()].changes;
}

}  // namespace weft::broker
