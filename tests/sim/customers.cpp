#include <algorithm>

#include "tests/sim/clients.hpp"
#include "tests/sim/shell.hpp"
#include "tests/sim/world.hpp"

namespace weft::sim {

Customer::Customer(World& world, int number)
    : Client(world, customer_number + static_cast<std::uint32_t>(number),
             fmt::format("customer{}", number)),
      number_(number) {}

JobSpec Customer::spec() {
  JobSpec spec;
  spec.name = "job";
  const auto most = static_cast<std::int64_t>(world_.plan.workers);
  spec.nodes = static_cast<std::uint32_t>(
      random_.chance(100) ? random_.between(1, most + 1)
                          : random_.between(1, std::min<std::int64_t>(most, 5)));
  spec.ranks_per_node = static_cast<std::uint32_t>(random_.between(1, 2));
  spec.time = seconds(random_.between(60, 180));
  if (random_.chance(850)) {
    spec.has_price_max = true;
    spec.price_max = {random_.between(1, 8) * 500'000};
  }
  if (random_.chance(50)) spec.cost_cap = {random_.between(1, 50) * 10'000};
  if (random_.chance(300)) spec.notice = seconds(random_.between(10, 60));
  if (random_.chance(100)) spec.keep = seconds(random_.between(1, 60));
  if (random_.chance(200)) spec.start_by = seconds(random_.between(5, 120));
  spec.priority = static_cast<std::int32_t>(random_.between(-5, 5));
  spec.restart.max = static_cast<std::uint32_t>(random_.between(0, 3));
  spec.restart.backoff = seconds(random_.between(1, 5));
  spec.restart.on_exit = random_.chance(400);
  spec.checkpoint_grace = seconds(random_.between(0, 10));
  spec.run = {"true"};
  spec.backend = "none";
  if (random_.chance(60) && !leases_.empty()) {
    spec.use_lease = *leases_.begin();
    spec.has_price_max = false;
    spec.cost_cap = {};
    spec.notice = {};
    spec.start_by = {};
  }
  return spec;
}

void Customer::act() {
  const std::uint64_t what = random_.below(100);
  if (what < 40) return submit();
  if (what < 52) return cancel();
  if (what < 70) return look();
  if (what < 85) return quote();
  if (what < 95) return release();
  trespass();
}

void Customer::submit() {
  SubmitJob submit;
  submit.spec = spec();
  submit.dry_run = random_.chance(100);
  ask(submit, [this](const ReplyBody& reply) {
    if (const auto* submitted = std::get_if<Submitted>(&reply)) jobs_.push_back(submitted->job);
  });
}

void Customer::cancel() {
  if (jobs_.empty()) return submit();
  const JobId job = random_.chance(500) ? jobs_.back() : random_.pick(jobs_);
  ask(ShowJob{job}, [this, job](const ReplyBody& shown) {
    const auto* view = std::get_if<JobView>(&shown);
    if (!view) return world_.fail("2: an acknowledged job is not known any more");
    const JobState state = view->job.state;
    ask(CancelJob{job}, [this, state](const ReplyBody& reply) {
      if (std::holds_alternative<Refused>(reply) && !ended(state)) return;
      const Branch branch = ended(state)                 ? Branch::cancel_ended
                            : state == JobState::queued  ? Branch::cancel_queued
                            : state == JobState::running ? Branch::cancel_running
                                                         : Branch::cancel_starting;
      world_.coverage.hit(branch);
    });
  });
}

void Customer::look() {
  if (jobs_.empty()) return ask(ListJobs{true, 100});
  const JobId job = random_.pick(jobs_);
  switch (random_.below(7)) {
    case 0: return ask(WhyJob{job});
    case 1: return ask(WaitJob{job, seconds(random_.between(0, 8))});
    case 2: return ask(ListJobs{random_.chance(500), 100});
    case 3: return ask(SignalJob{job, -1, 10});
    case 4: return ask(ReadLog{job, 0, 0, false, 0, 1'024, seconds(random_.between(0, 5))});
    case 5: return ask(AskBill{job, {}});
    default: return ask(ListLeases{});
  }
}

void Customer::quote() {
  AskQuote ask_quote;
  ask_quote.nodes = static_cast<std::uint32_t>(random_.between(1, 3));
  ask_quote.term = seconds(random_.between(60, 240));
  ask_quote.ttl = seconds(random_.between(1, 20));
  if (random_.chance(300)) ask_quote.notice = seconds(random_.between(10, 60));
  ask(ask_quote, [this](const ReplyBody& reply) {
    if (const auto* quoted = std::get_if<QuoteReply>(&reply)) answer(quoted->quote);
  });
}

void Customer::answer(const Quote& quote) {
  const std::uint64_t how = random_.below(10);
  const QuoteId id = quote.id;
  if (how < 2) {
    return ask(DeclineQuote{id}, [this](const ReplyBody& reply) {
      if (!std::holds_alternative<Refused>(reply)) world_.coverage.hit(Branch::quote_declined);
    });
  }
  if (how < 4) return;  // let it lapse
  Duration wait = random_.span(0, 2'000);
  if (how < 7) {  // around the moment at which it lapses
    const Duration left = quote.expires_at - world_.shell->ledger_now();
    wait = std::max(Duration{}, left + limits::quote_reserve_slack) + random_.span(-1'500, 1'500);
    wait = std::max(wait, Duration{});
  }
  world_.at(wait, [this, id] { accept(id); });
}

void Customer::accept(QuoteId quote) {
  ask(AcceptQuote{quote}, [this](const ReplyBody& reply) {
    if (const auto* refused = std::get_if<Refused>(&reply)) {
      if (refused->code == Code::quote_lapsed) world_.coverage.hit(Branch::accept_late);
      if (refused->code == Code::money_insufficient) world_.coverage.hit(Branch::insufficient);
    } else if (const auto* list = std::get_if<LeaseList>(&reply)) {
      world_.coverage.hit(Branch::accept_in_time);
      for (const Lease& lease : list->leases) leases_.insert(lease.id);
    } else if (const auto* quoted = std::get_if<QuoteReply>(&reply)) {
      world_.coverage.hit(Branch::accept_in_time);
      leases_.insert(quoted->quote.lease);
    }
  });
}

void Customer::release() {
  if (leases_.empty()) return quote();
  const LeaseId lease = *leases_.begin();
  ask(ReleaseLease{lease}, [this, lease](const ReplyBody& reply) {
    if (const auto* refused = std::get_if<Refused>(&reply)) {
      if (refused->code == Code::lease_busy)
        world_.coverage.hit(Branch::release_busy);
      else
        leases_.erase(lease);
    } else {
      world_.coverage.hit(Branch::release_idle);
      leases_.erase(lease);
    }
  });
}

// Another tenant's objects: refused, and nothing is learnt.
void Customer::trespass() {
  if (world_.plan.customers < 2) return look();
  const JobId job{1 + random_.below(20)};
  if (std::find(jobs_.begin(), jobs_.end(), job) != jobs_.end()) return;
  world_.coverage.hit(Branch::foreign_object);
  const int other = number_;
  ask(CancelJob{job}, [this, other, job](const ReplyBody& reply) {
    if (std::holds_alternative<Refused>(reply)) return;
    // Only a job that this customer submitted, and whose acknowledgement is still under way.
    if (world_.shell->core() == nullptr) return;
    for (const Job& held : world_.shell->core()->snapshot({}).jobs)
      if (held.id == job && held.account != fmt::format("team{}", other))
        world_.fail("9: a customer cancelled another customer's job");
  });
}

void Customer::settle() {
  // Jobs end by themselves now, if they can be placed at all; what can't is cancelled.
  world_.at(minutes(5), [this] {
    for (const JobId job : jobs_) ask(CancelJob{job});
  });
}

void Customer::verify() {
  for (const JobId job : jobs_) {
    ask(ShowJob{job}, [this, job](const ReplyBody& reply) {
      const auto* view = std::get_if<JobView>(&reply);
      if (!view || view->job.id != job || view->job.account != fmt::format("team{}", number_))
        world_.fail(fmt::format("2: acknowledged job {} is not known at rest", job.value));
      else if (!ended(view->job.state))
        world_.fail(fmt::format("11: job {} has not ended at rest", job.value));
    });
  }
}

}  // namespace weft::sim
