#include <random>

#include "broker/market/bill.hpp"
#include "broker/market/meter.hpp"
#include "tests/unit/broker/world.hpp"

namespace weft::broker::testing {
namespace {

Account account(World& w, const std::string& name) {
  for (const Account& a : w.ok<AccountList>(1, ListAccounts{}).accounts)
    if (a.name == name) return a;
  return {};
}
LeaseId rent(World& w, std::uint32_t nodes, Duration term, std::uint8_t who = 3) {
  AskQuote ask;
  ask.nodes = nodes;
  ask.term = term;
  const auto quote = w.ok<QuoteReply>(who, ask);
  return w.ok<LeaseList>(who, AcceptQuote{quote.quote.id}).leases.front().id;
}

}  // namespace

TEST(Meter, ABillDoesNotDependOnWhereSegmentsAreCut) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 2'000; ++round) {
    const Price price{static_cast<std::int64_t>(random() % 5'000'000)};
    const auto fee = static_cast<std::uint32_t>(random() % 3'000);
    market::Sums whole, cut;
    std::int64_t units = 0, ms = 0;
    for (int i = 0; i < 12; ++i) {
      const auto n = static_cast<std::int64_t>(1 + random() % 8),
                 t = static_cast<std::int64_t>(random() % 4'000'000);
      const auto payer = static_cast<market::Payer>(random() % 3);
      whole.add(n, Duration{t}, price, payer);
      const std::int64_t at =
          t ? static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(t)) : 0;
      cut.add(n, Duration{at}, price, payer);
      cut.add(n, Duration{t - at}, price, payer);
      units = std::max(units, n);
      ms += t;
      const market::Amounts a = cut.totals(fee);
      ASSERT_LE(a.credit_owner + a.credit_house, a.gross);
      ASSERT_LE(a.gross, cost_ceil(price, units, Duration{ms})) << "never more than was set aside";
      ASSERT_GE(a.fee.micros, 0);
    }
    ASSERT_EQ(whole.totals(fee), cut.totals(fee));
  }
}

TEST(Meter, TheWorkedExample) {  // 64 GPUs, 1 h, $2.11: $135.04
  market::Sums s;
  s.add(64, hours(1), Price{2'110'000}, market::Payer::customer);
  EXPECT_EQ(s.totals(0).gross.micros, 135'040'000);
}

TEST(Ledger, AMeterTransactionSaysWhatItChanged) {
  Lease lease;
  lease.account = "a";
  lease.owner = "o";
  const market::Amounts before{Money{10}, Money{1}, Money{2}, Money{0}},
      now{Money{100}, Money{11}, Money{5}, Money{4}};
  const auto posted = market::metered(lease, before, now, Instant{5});
  ASSERT_TRUE(posted.has_value());
  Money sum;
  for (const Leg& leg : posted->legs) sum = sum + leg.amount;
  EXPECT_EQ(sum.micros, 0);
  EXPECT_EQ(market::difference_of(*posted),
            (market::Amounts{Money{90}, Money{10}, Money{3}, Money{4}}));
  EXPECT_FALSE(market::metered(lease, now, now, Instant{5}).has_value());
}

TEST(Offers, OnlyTheOwnersAndOncePerNodeAndWindow) {
  World w;
  w.fleet(0);
  w.enroll(World::worker_key(1), Role::worker, "n1", "lab");
  w.enroll(World::worker_key(2), Role::worker, "n2", "farm");
  w.enroll(5, Role::seller, "farmer", "farm");
  w.join(1);
  w.join(2);
  EXPECT_EQ(w.node(1).meter, MeterClass::owner) << "not offered: its owner's time";
  EXPECT_EQ(w.refused(5, PutOffer{{"n1"}, {}, {}, {}, {}}), Code::node_unknown);
  EXPECT_EQ(w.refused(1, PutOffer{{"n1", "n2"}, {}, {}, {}, {}}), Code::usage) << "two owners";
  const auto first =
      w.ok<OfferList>(2, PutOffer{{"n1"}, Price{1}, {}, w.now + hours(1), w.now + hours(2)})
          .offers[0];
  EXPECT_EQ(first.state, OfferState::scheduled);
  EXPECT_EQ(w.refused(2, PutOffer{{"n1"}, {}, {}, {}, {}}), Code::offer_overlap);
  const auto before =
      w.ok<OfferList>(2, PutOffer{{"n1"}, Price{1}, {}, {}, w.now + hours(1)}).offers[0];
  EXPECT_EQ(before.state, OfferState::open) << "windows that touch do not overlap";
  EXPECT_EQ(w.node(1).meter, MeterClass::idle);
  w.pass(minutes(90));
  EXPECT_EQ(w.node(1).meter, MeterClass::idle) << "the second offer took over";
  w.pass(minutes(31));
  EXPECT_EQ(w.node(1).meter, MeterClass::owner);
  EXPECT_TRUE(w.ok<OfferList>(2, ListOffers{}).offers.empty());
  EXPECT_EQ(w.refused(5, WithdrawOffer{first.id}), Code::offer_unknown) << "another owner's";
  EXPECT_EQ(w.refused(2, WithdrawOffer{first.id}), Code::state_illegal);
}

TEST(Offers, WithdrawingHonoursWhatWasPromised) {
  World w;
  w.fleet(2);
  const LeaseId lease = rent(w, 1, hours(1));
  const OfferId offer = w.ok<OfferList>(2, ListOffers{}).offers.front().id;
  EXPECT_EQ(w.ok<OfferList>(2, WithdrawOffer{offer}).offers[0].state, OfferState::closing);
  EXPECT_EQ(w.node(2).meter, MeterClass::owner);
  EXPECT_EQ(w.node(1).meter, MeterClass::billed) << "the lease runs to its end";
  w.ok<LeaseList>(3, ReleaseLease{lease});
  EXPECT_EQ(w.node(1).meter, MeterClass::owner);
  EXPECT_TRUE(w.ok<OfferList>(2, ListOffers{}).offers.empty()) << "closed with the last lease";
}

TEST(Quotes, ReservePriceAndLapse) {
  World w;
  w.fleet(2, Price{3'000'000});
  AskQuote ask;
  ask.nodes = 2;
  ask.term = hours(2);
  ask.ttl = seconds(30);
  const auto reply = w.ok<QuoteReply>(3, ask);
  EXPECT_EQ(reply.quote.price.micros, 3'000'000) << "the floor is above the price book";
  EXPECT_EQ(to_string(reply.cost_max), "12.00");
  EXPECT_EQ(reply.nodes, (std::vector<std::string>{"n1", "n2"}));
  EXPECT_EQ(w.refused(4, ask), Code::place_nodes) << "both are reserved";
  EXPECT_EQ(w.refused(4, AcceptQuote{reply.quote.id}), Code::quote_unknown) << "another account's";
  w.pass(seconds(31));  // late, but within the two seconds of grace
  w.ok<LeaseList>(3, AcceptQuote{reply.quote.id});
  EXPECT_EQ(w.refused(3, AcceptQuote{reply.quote.id}), Code::quote_used);
  EXPECT_EQ(to_string(account(w, "acme").escrow), "12.00");

  World late;
  late.fleet(1);
  ask.nodes = 1;
  const auto second = late.ok<QuoteReply>(3, ask);
  late.pass(seconds(33));
  EXPECT_EQ(late.refused(3, AcceptQuote{second.quote.id}), Code::quote_lapsed);
  const auto third = late.ok<QuoteReply>(4, ask);
  late.ok<Done>(4, DeclineQuote{third.quote.id});
  late.ok<QuoteReply>(3, ask);
}

TEST(Quotes, WithoutFundsNothingIsGranted) {
  World w;
  w.fleet(1);
  AskQuote ask;
  ask.term = hours(24 * 100);  // $4,800
  const auto quote = w.ok<QuoteReply>(3, ask);
  EXPECT_EQ(w.refused(3, AcceptQuote{quote.quote.id}), Code::money_insufficient);
  w.ok<Done>(1, Deposit{"acme", Money{5'000'000'000}});
  w.ok<LeaseList>(3, AcceptQuote{quote.quote.id});
}

TEST(Quotes, ALostNodeVoidsThem) {
  World w;
  w.fleet(1);
  AskQuote ask;
  ask.term = hours(1);
  const auto quote = w.ok<QuoteReply>(3, ask);
  w.sessions.erase(1);
  w.pass(seconds(6));
  EXPECT_EQ(w.refused(3, AcceptQuote{quote.quote.id}), Code::quote_void);
}

TEST(Quotes, AreLimited) {
  World w;
  w.fleet(8);
  AskQuote ask;
  ask.term = hours(1);
  ask.nodes = 2;
  w.ok<QuoteReply>(3, ask);
  EXPECT_EQ(w.refused(3, ask), Code::quote_limit)
      << "two of six free nodes are more than a quarter";
  ask.nodes = 1;
  w.ok<QuoteReply>(3, ask);
  w.ok<QuoteReply>(3, ask);
  w.ok<QuoteReply>(3, ask);
  EXPECT_EQ(w.refused(3, ask), Code::quote_limit);
  w.ok<QuoteReply>(4, ask);
}

TEST(Quotes, AnOutageGivesTimeToAccept) {
  World w;
  w.fleet(1);
  AskQuote ask;
  ask.term = hours(1);
  ask.ttl = seconds(5);
  const auto quote = w.ok<QuoteReply>(3, ask);
  w.now = w.now + minutes(10);
  w.restart();
  w.pass(seconds(9), false);
  w.ok<LeaseList>(3, AcceptQuote{quote.quote.id});
}

TEST(Leases, AreBilledFromTheHandOverAndPostedEveryFullHour) {
  World w;
  w.fleet(2);
  w.pass(minutes(10));
  const LeaseId lease = rent(w, 2, hours(5));
  const Instant begin = w.now;
  w.pass(hours(2));
  const Bill bill = w.ok<Bill>(3, AskBill{{}, lease});
  const auto& one = bill.leases.at(0);
  const std::int64_t posted_ms = (w.now.ms / 3'600'000 * 3'600'000) - begin.ms;
  EXPECT_EQ(one.gross,
            Money{floor_div(quantity(2, Duration{posted_ms}) * 2'000'000, quantity_per_unit_hour)});
  EXPECT_EQ(one.segments.size(), 4u) << "closed ones are merged; the open ones are shown";
  w.ok<LeaseList>(3, ReleaseLease{lease});
  EXPECT_EQ(to_string(w.ok<Bill>(3, AskBill{{}, lease}).total), "8.00");
  EXPECT_EQ(to_string(account(w, "acme").cash), "92.00");
  EXPECT_EQ(to_string(w.ok<Bill>(2, AskBill{}).total), "7.60") << "what the owner got of it";
}

TEST(Leases, EndByThemselves) {
  World w;
  w.fleet(1);
  const LeaseId lease = rent(w, 1, hours(1));
  w.pass(hours(1));
  const auto all = w.ok<LeaseList>(3, ListLeases{}).leases;
  EXPECT_EQ(all.at(0).state, LeaseState::closed);
  EXPECT_EQ(all.at(0).cause, Cause::lease_end);
  EXPECT_EQ(to_string(w.ok<Bill>(3, AskBill{{}, lease}).total), "2.00");
  EXPECT_EQ(w.node(1).meter, MeterClass::idle);
}

TEST(Leases, JobsRunOnThemOneAfterTheOther) {
  World w;
  w.fleet(2);
  const LeaseId lease = rent(w, 2, hours(1));
  JobSpec spec = World::spec(2, minutes(10));
  spec.has_price_max = false;
  spec.use_lease = lease;
  const JobId first = w.submit(spec), second = w.submit(spec);
  EXPECT_EQ(w.state(first), JobState::starting);
  EXPECT_EQ(w.state(second), JobState::queued);
  EXPECT_EQ(w.refused(3, ReleaseLease{lease}), Code::lease_busy);
  EXPECT_EQ(w.refused(4, SubmitJob{spec, false, false}), Code::lease_unknown)
      << "another account's";
  const AttemptId a = w.attempt(first);
  w.prepared(first, {1, 2});
  w.ends(a, 1, 0, RankState::exited, 0);
  w.ends(a, 2, 1, RankState::exited, 0);
  w.gone(a, {1, 2});
  EXPECT_EQ(w.state(second), JobState::starting);
  EXPECT_EQ(w.node(1).meter, MeterClass::billed);
  spec.time = hours(2);
  EXPECT_EQ(w.refused(3, SubmitJob{spec, false, false}), Code::lease_too_short);
  w.prepared(second, {1, 2});
  w.pass(minutes(11));
  EXPECT_EQ(w.state(second), JobState::stopping) << "its own time limit";
  w.gone(w.attempt(second), {1, 2});
  EXPECT_EQ(w.state(second), JobState::expired);
  EXPECT_EQ(w.ok<LeaseList>(3, ListLeases{}).leases.at(0).state, LeaseState::active);
}

TEST(Leases, AJobThatWillStartAgainKeepsTheLease) {
  World w;
  w.fleet(1);
  const LeaseId lease = rent(w, 1, hours(1));
  JobSpec spec = World::spec(1, minutes(10));
  spec.has_price_max = false;
  spec.use_lease = lease;
  spec.restart.on_exit = true;
  spec.restart.backoff = seconds(5);
  const JobId first = w.submit(spec), second = w.submit(spec);
  const auto fail_once = [&] {
    const AttemptId a = w.attempt(first);
    w.prepared(first, {1});
    w.ends(a, 1, 0, RankState::exited, 3);
    w.gone(a, {1});
  };
  fail_once();
  EXPECT_EQ(w.state(first), JobState::starting);
  EXPECT_EQ(w.state(second), JobState::queued);
  EXPECT_EQ(w.refused(3, ReleaseLease{lease}), Code::lease_busy);
  const Why why = w.ok<Why>(3, WhyJob{second});
  EXPECT_EQ(why.blockers, std::vector<Code>{Code::lease_busy}) << why.summary;
  w.restart(true);
  w.join(1);
  w.pass(seconds(6));
  EXPECT_EQ(w.state(first), JobState::starting);
  EXPECT_EQ(w.show(first).attempts.size(), 2U);
  EXPECT_EQ(w.state(second), JobState::queued);
  fail_once();
  w.ok<Done>(3, CancelJob{first});
  EXPECT_EQ(w.state(first), JobState::cancelled);
  EXPECT_EQ(w.state(second), JobState::starting) << "the next in line";
}

TEST(Leases, ALostNodeIsCreditedUntilItComesBack) {
  World w;
  w.fleet(2);
  const LeaseId lease = rent(w, 2, hours(2));
  w.pass(minutes(10));
  w.sessions.erase(2);
  w.pass(minutes(5));
  EXPECT_EQ(w.node(1).meter, MeterClass::credited) << "the whole slice";
  w.join(2);
  EXPECT_EQ(w.node(1).meter, MeterClass::billed);
  w.pass(minutes(5));
  w.ok<LeaseList>(3, ReleaseLease{lease});
  const auto bill = w.ok<Bill>(3, AskBill{{}, lease}).leases.at(0);
  EXPECT_EQ(to_string(bill.gross), "1.333333");  // 20 min x 2 x $2
  EXPECT_EQ(bill.credits, Money{333'334});       // 5 min, in the customer's favour
  EXPECT_EQ(account(w, "acme").cash, Money{99'000'001});

  const LeaseId other = rent(w, 2, hours(2));
  w.sessions.erase(2);
  w.pass(minutes(16));
  EXPECT_EQ(w.ok<LeaseList>(3, ListLeases{}).leases.back().id, other);
  EXPECT_EQ(w.ok<LeaseList>(3, ListLeases{}).leases.back().state, LeaseState::closed);
  EXPECT_EQ(w.node(2).meter, MeterClass::owner);
}

TEST(Leases, KeepHoldsTheSliceAfterTheJob) {
  World w;
  w.fleet(1);
  JobSpec spec = World::spec(1);
  spec.keep = minutes(5);
  const JobId job = w.submit(spec);
  const AttemptId a = w.attempt(job);
  w.prepared(job, {1});
  w.pass(minutes(10));
  w.ends(a, 1, 0, RankState::exited, 0);
  w.gone(a, {1});
  EXPECT_EQ(w.state(job), JobState::succeeded);
  w.pass(minutes(4));
  EXPECT_EQ(w.node(1).meter, MeterClass::billed);
  w.pass(minutes(1));
  EXPECT_EQ(w.node(1).meter, MeterClass::idle);
  EXPECT_EQ(to_string(w.ok<Bill>(3, AskBill{job, {}}).total), "0.50");
}

TEST(Bills, OfAJobThatHasJustEndedWaitForItsSlice) {
  World w;
  w.fleet(1);
  const JobId job = w.submit(World::spec(1));
  const AttemptId a = w.attempt(job);
  w.prepared(job, {1});
  w.pass(minutes(30));
  w.ends(a, 1, 0, RankState::exited, 0);
  const RequestKey key = request_key(500'000);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(w.ask(3, AskBill{job, {}}, key)));
  w.gone(a, {1});
  const auto reply = w.reply_to(key);
  ASSERT_TRUE(std::holds_alternative<Bill>(reply));
  EXPECT_EQ(to_string(std::get<Bill>(reply).total), "1.00");
}

TEST(Prices, AtZeroTheTimeLedgerStillBalances) {
  CoreConfig config;
  World w(config);
  w.fleet(1);
  JobSpec spec = World::spec(1);
  spec.has_price_max = false;
  const JobId job = w.submit(spec);
  const AttemptId a = w.attempt(job);
  w.prepared(job, {1});
  w.pass(minutes(30));
  w.ends(a, 1, 0, RankState::exited, 0);
  w.gone(a, {1});
  const auto bill = w.ok<Bill>(3, AskBill{job, {}}).leases.at(0);
  EXPECT_EQ(bill.gross.micros, 0);
  EXPECT_TRUE(bill.postings.empty());
  EXPECT_EQ(bill.segments.at(0).to - bill.segments.at(0).from, minutes(30));
}

}  // namespace weft::broker::testing
