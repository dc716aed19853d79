#include "tests/sim/clients.hpp"

#include "tests/sim/shell.hpp"
#include "tests/sim/watch.hpp"
#include "tests/sim/worker.hpp"
#include "tests/sim/world.hpp"

namespace weft::sim {

namespace {

std::string owner_of(const World& world, int worker) {
  return fmt::format("owner{}", worker % world.plan.sellers);
}

}  // namespace

// ---- the operator
Operator::Operator(World& world) : Client(world, operator_number, "operator") {}

void Operator::enroll(std::uint32_t number, Role role, const std::string& name,
                      const std::string& account) {
  EnrollKey request;
  request.key.principal = principal_of(number);
  request.key.role = role;
  request.key.name = name;
  request.key.account = account;
  ask(request);
}

void Operator::enroll_all() {
  const Plan& plan = world_.plan;
  for (int i = 0; i < plan.workers; ++i)
    enroll(worker_number + static_cast<std::uint32_t>(i), Role::worker, fmt::format("n{}", i),
           owner_of(world_, i));
  for (int i = 0; i < plan.sellers; ++i)
    enroll(seller_number + static_cast<std::uint32_t>(i), Role::seller, fmt::format("seller{}", i),
           fmt::format("owner{}", i));
  for (int i = 0; i < plan.customers; ++i) {
    enroll(customer_number + static_cast<std::uint32_t>(i), Role::customer,
           fmt::format("customer{}", i), fmt::format("team{}", i));
    ask(Deposit{fmt::format("team{}", i), {random_.between(0, 40) * 1'000'000}});
  }
  enroll(revoked_number, Role::customer, "revoked", "team0");
  world_.at(seconds(5), [this] {
    ask(RevokeKey{"revoked"}, [this](const ReplyBody& reply) {
      if (!std::holds_alternative<Refused>(reply)) world_.watch->revoked_at = world_.now();
    });
  });
}

void Operator::act() {
  switch (random_.below(8)) {
    case 0:
    case 1: {
      Deposit deposit{
          fmt::format("team{}", random_.below(static_cast<std::uint64_t>(world_.plan.customers))),
          {random_.between(1, 20) * 1'000'000}};
      return ask(deposit, [this](const ReplyBody& reply) {
        if (std::holds_alternative<Done>(reply)) world_.coverage.hit(Branch::deposited);
      });
    }
    case 2: return ask(ListAccounts{});
    case 3: return ask(ListKeys{});
    case 4: return ask(ReadJournal{{1 + random_.below(50)}, {}});
    case 5: return ask(ListNodes{});
    case 6: return ask(Hello{});
    default: return ask(ReadEvents{{random_.below(100)}, {}, 100, seconds(random_.between(0, 5))});
  }
}

void Operator::settle() {
  if (world_.plan.core.ground) world_.at(seconds(30), [this] { ask(ClearQuarantine{}); });
  for (int i = 0; i < world_.plan.customers; ++i)
    ask(Deposit{fmt::format("team{}", i), {100'000'000'000}});
  // Of keys that were revoked since, too.
  world_.at(minutes(5), [this] {
    ask(ListJobs{false, 1'000}, [this](const ReplyBody& reply) {
      if (const auto* list = std::get_if<JobList>(&reply))
        for (const JobLine& job : list->jobs) ask(CancelJob{job.job});
    });
  });
}

// ---- owners
Seller::Seller(World& world, int number)
    : Client(world, seller_number + static_cast<std::uint32_t>(number),
             fmt::format("seller{}", number)) {}

void Seller::put(std::vector<std::string> nodes, Price floor, Duration notice) {
  PutOffer offer;
  offer.nodes = std::move(nodes);
  offer.floor = floor;
  offer.notice = notice;
  if (random_.chance(100) && world_.hostile())
    offer.until = world_.shell->ledger_now() + random_.span(60'000, 600'000);
  ask(offer, [this](const ReplyBody& reply) {
    if (const auto* list = std::get_if<OfferList>(&reply))
      for (const Offer& put : list->offers) offers_.insert(put.id);
  });
}

void Seller::act() {
  if (!offers_.empty() && random_.chance(200)) {
    const OfferId offer = *offers_.begin();
    offers_.erase(offers_.begin());
    return ask(WithdrawOffer{offer}, [this](const ReplyBody& reply) {
      if (!std::holds_alternative<Refused>(reply)) world_.coverage.hit(Branch::offer_withdrawn);
    });
  }
  if (random_.chance(200)) return ask(ListOffers{});
  std::vector<std::string> nodes;
  if (random_.chance(500)) {
    for (const auto& node : world_.workers)
      if (random_.chance(500)) nodes.push_back(node->name());
  }
  put(std::move(nodes), {random_.between(0, 3) * 500'000}, seconds(random_.chance(500) ? 0 : 30));
}

void Seller::settle() {
  for (const OfferId offer : offers_) ask(WithdrawOffer{offer});
  offers_.clear();
  world_.at(seconds(20), [this] { put({}, {}, {}); });
  world_.at(seconds(90), [this] { put({}, {}, {}); });
}

// ---- those who should not be let in
Intruder::Intruder(World& world, Kind kind)
    : Client(world,
             kind == Kind::stranger  ? stranger_number
             : kind == Kind::revoked ? revoked_number
                                     : worker_number,
             "intruder"),
      kind_(kind) {}

void Intruder::act() {
  if (random_.chance(850)) return;
  SubmitJob submit;
  submit.spec.name = "x";
  submit.spec.run = {"true"};
  submit.spec.backend = "none";
  submit.spec.has_price_max = true;
  submit.spec.price_max = {9'000'000};
  submit.spec.time = minutes(1);
  const bool revoked = world_.now() > world_.watch->revoked_at;
  if (kind_ != Kind::revoked)
    world_.coverage.hit(Branch::stranger);
  else if (revoked)
    world_.coverage.hit(Branch::revoked_used);
  ask(submit, [this, revoked](const ReplyBody& reply) {
    if (kind_ == Kind::revoked && !revoked) return;  // before that it is a customer like others
    must_refuse(reply, "a job of a key that may not submit");
  });
}

}  // namespace weft::sim
