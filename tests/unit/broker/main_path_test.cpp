#include "tests/unit/broker/world.hpp"

namespace weft::broker::testing {

TEST(MainPath, OfferRentTrainPay) {
  World w;
  w.fleet(4);
  const JobId job = w.submit(World::spec(4));
  EXPECT_EQ(w.state(job), JobState::starting);
  const AttemptId a = w.attempt(job);

  w.prepared(job, {1, 2, 3});
  EXPECT_EQ(w.state(job), JobState::starting) << "three of four are not a gang";
  w.pass(seconds(1));
  w.sent.clear();
  w.report(4, Prepared{a, Code::none, ""});
  for (int i = 1; i <= 4; ++i) {
    ASSERT_TRUE(w.order<Go>(i).has_value()) << i;
    EXPECT_EQ(w.order<Go>(i)->lease_left, hours(1));
  }
  EXPECT_EQ(w.state(job), JobState::running);
  EXPECT_EQ(w.node(1).meter, MeterClass::billed);

  w.pass(minutes(30));
  for (int i = 1; i <= 4; ++i)
    w.ends(a, i, static_cast<std::uint32_t>(i - 1), RankState::exited, 0);
  EXPECT_EQ(w.state(job), JobState::succeeded);
  EXPECT_EQ(w.node(1).meter, MeterClass::billed) << "until nothing is left on it";
  w.gone(a, {1, 2, 3, 4});
  EXPECT_TRUE(w.order<Forget>(4).has_value());
  EXPECT_EQ(w.node(1).meter, MeterClass::idle);

  // 4 nodes x 30 min x $2.00 = $4.00, 5 % of it the house's; the rest of the escrow is back.
  const Bill bill = w.ok<Bill>(3, AskBill{job, {}});
  ASSERT_EQ(bill.leases.size(), 1u);
  EXPECT_EQ(to_string(bill.total), "4.00");
  EXPECT_EQ(to_string(bill.leases[0].fee), "0.20");
  EXPECT_EQ(bill.leases[0].segments.size(), 4u);
  EXPECT_EQ(bill.leases[0].lease.state, LeaseState::closed);
  const auto accounts = w.ok<AccountList>(1, ListAccounts{});
  for (const Account& account : accounts.accounts) {
    if (account.name == "acme") {
      EXPECT_EQ(to_string(account.cash), "96.00");
      EXPECT_EQ(account.escrow.micros, 0);
    }
    if (account.name == "lab") {
      EXPECT_EQ(to_string(account.earned), "3.80");
    }
  }
  EXPECT_EQ(w.show(job).job.exit_code, 0);
}

}  // namespace weft::broker::testing
