// The holder's core: from fork to the last process gone.
#include "worker/core/hold.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "drive.hpp"

namespace weft::worker::hold {
namespace {

struct Ranks {
  explicit Ranks(const Prepare& order = prepare(1)) : hold(order, Instant{100'000}) {}
  Hold hold;
  Instant now{1'000};
  Effects out;

  Effects& feed(const Event& event) { return out = hold.step(now, event); }
  Effects& pass(Duration d) {
    now = now + d;
    return feed(TimePassed{});
  }
  bool did(Act act) const { return std::find(out.begin(), out.end(), Effect(act)) != out.end(); }
  void prepared() {
    feed(Begin{});
    feed(Forked{{{0, 50, 7, {}, 0, false, ""}, {1, 51, 8, {}, 0, false, ""}}});
    feed(RankReady{0});
    feed(RankReady{1});
  }
  void released() {
    prepared();
    feed(Asked{HolderGo{}});
  }
  RankState state(std::size_t i) const { return hold.state().ranks[i].state; }
};

TEST(Hold, IsPreparedWhenAllRanksAreReady) {
  Ranks r;
  r.feed(Begin{});
  EXPECT_TRUE(r.did(Act::fork_ranks));
  r.feed(Forked{{{0, 50, 7, {}, 0, false, ""}, {1, 51, 8, {}, 0, false, ""}}});
  EXPECT_TRUE(r.did(Act::publish)) << "pids are on disk before anything else";
  EXPECT_EQ(51U, r.hold.state().ranks[1].pid);
  r.feed(RankReady{0});
  EXPECT_FALSE(r.hold.state().prepared);
  r.feed(RankReady{1});
  EXPECT_TRUE(r.hold.state().prepared);
  EXPECT_FALSE(r.did(Act::release));
  r.feed(Asked{HolderGo{}});
  EXPECT_TRUE(r.did(Act::release));
  r.feed(Asked{HolderGo{}});
  EXPECT_TRUE(r.out.empty()) << "once";
}

TEST(Hold, AGoThatComesEarlyWaitsForTheRanks) {
  Ranks r;
  r.feed(Begin{});
  r.feed(Asked{HolderGo{seconds(3)}});
  EXPECT_FALSE(r.did(Act::release));
  r.feed(Forked{{{0, 50, 7, {}, 0, false, ""}, {1, 51, 8, {}, 0, false, ""}}});
  r.feed(RankReady{0});
  r.feed(RankReady{1});
  EXPECT_TRUE(r.did(Act::release));
  EXPECT_EQ(r.now + seconds(3), r.hold.state().deadline) << "the lease's clock starts with Go";
}

TEST(Hold, SetupComesFirstAndItsFailureStartsNothing) {
  Prepare p = prepare(1);
  p.spec.setup = "pip install x";
  Ranks r(p);
  r.feed(Begin{});
  EXPECT_TRUE(r.did(Act::run_setup));
  EXPECT_FALSE(r.did(Act::fork_ranks));
  r.feed(SetupEnded{});
  EXPECT_TRUE(r.did(Act::fork_ranks));

  Ranks bad(p);
  bad.feed(Begin{});
  bad.feed(CanNot{Code::launch_refused, "setup ended with exit code 1"});
  EXPECT_FALSE(bad.did(Act::fork_ranks));
  EXPECT_TRUE(bad.did(Act::kill_tree));
  bad.feed(TreeEmpty{});
  EXPECT_TRUE(bad.hold.state().gone);
  EXPECT_EQ(RankState::not_started, bad.state(0));
}

TEST(Hold, OneUnfitRankMeansThatNoneRuns) {
  Ranks r;
  r.feed(Begin{});
  r.feed(Forked{{{0, 50, 7, {}, 0, false, ""}, {1, 51, 8, {}, 0, false, ""}}});
  r.feed(RankReady{0});
  r.feed(RankUnfit{1, Code::launch_exec, "no such file"});
  EXPECT_EQ(Code::launch_exec, r.hold.state().code);
  EXPECT_TRUE(r.did(Act::publish) && r.did(Act::kill_tree));
  r.feed(Asked{HolderGo{}});
  EXPECT_FALSE(r.did(Act::release));
  r.feed(RankExited{1, false, 125, false});
  r.feed(RankExited{0, true, 9, false});
  r.feed(TreeEmpty{});
  EXPECT_TRUE(r.did(Act::finish));
  EXPECT_EQ(RankState::not_started, r.state(0));
  EXPECT_EQ(RankState::not_started, r.state(1));
}

TEST(Hold, TellsApartHowRanksEnd) {
  Ranks r;
  r.released();
  r.feed(RankExited{0, false, 3, false});
  EXPECT_EQ(RankState::exited, r.state(0));
  EXPECT_EQ(3, r.hold.state().ranks[0].status);
  EXPECT_FALSE(r.did(Act::kill_tree)) << "the other one runs on";
  r.feed(RankExited{1, true, 9, true});
  EXPECT_EQ(RankState::killed, r.state(1));
  EXPECT_TRUE(r.hold.state().ranks[1].out_of_memory);
  EXPECT_TRUE(r.did(Act::kill_tree)) << "what they left behind goes with them";
  EXPECT_FALSE(r.hold.state().gone);
  r.pass(kill_again);
  EXPECT_TRUE(r.did(Act::kill_tree)) << "again, a fork may have escaped";
  r.feed(TreeEmpty{});
  EXPECT_TRUE(r.hold.state().gone);
  EXPECT_EQ(never, r.hold.next_timer());
}

TEST(Hold, AProgramThatCanNotBeRunAfterGoWasNotStarted) {
  Ranks r;
  r.released();
  r.feed(ExecFailed{0, "can't run train: Permission denied"});
  r.feed(RankExited{0, false, 126, false});
  EXPECT_EQ(RankState::not_started, r.state(0));
  EXPECT_EQ("can't run train: Permission denied", r.hold.state().ranks[0].detail);
}

TEST(Hold, StopWaitsThenAsksThenKills) {
  Ranks r;
  r.released();
  r.feed(Asked{HolderStop{milliseconds(500), seconds(5)}});
  EXPECT_FALSE(r.did(Act::term));
  EXPECT_EQ(r.now + milliseconds(500), r.hold.next_timer());
  r.pass(milliseconds(500));
  EXPECT_TRUE(r.did(Act::term));
  EXPECT_FALSE(r.did(Act::kill_tree));
  EXPECT_EQ(r.now + seconds(5), r.hold.next_timer());
  r.feed(RankExited{0, true, 15, false});
  EXPECT_EQ(RankState::stopped, r.state(0)) << "by us";
  r.pass(seconds(5));
  EXPECT_TRUE(r.did(Act::kill_tree));
  r.feed(RankExited{1, true, 9, false});
  EXPECT_EQ(RankState::stopped, r.state(1));
}

TEST(Hold, AnEndDuringAStopThatWeDidNotCauseKeepsItsOwnCause) {
  Ranks r;
  r.released();
  r.feed(Asked{HolderStop{milliseconds(500), seconds(5)}});
  r.feed(RankExited{0, true, 11, false});
  EXPECT_EQ(RankState::killed, r.state(0));
  r.feed(RankExited{1, false, 75, false});
  EXPECT_EQ(RankState::exited, r.state(1));
}

TEST(Hold, ALaterStopMayShortenNeverLengthen) {
  Ranks r;
  r.released();
  r.feed(Asked{HolderStop{{}, seconds(5)}});
  EXPECT_TRUE(r.did(Act::term));
  r.feed(Asked{HolderStop{seconds(1), seconds(60)}});
  EXPECT_FALSE(r.did(Act::term));
  EXPECT_EQ(r.now + seconds(5), r.hold.next_timer());
  r.feed(Asked{HolderStop{{}, {}}});
  EXPECT_TRUE(r.did(Act::kill_tree));
}

TEST(Hold, AStopBeforeGoNeedsNoGrace) {
  Ranks r;
  r.prepared();
  r.feed(Asked{HolderStop{milliseconds(500), seconds(5)}});
  EXPECT_TRUE(r.did(Act::kill_tree));
  EXPECT_FALSE(r.did(Act::term));
}

TEST(Hold, TheDeadlineStopsByItsOwnClockAndNotAMillisecondEarlier) {
  Ranks r;
  r.released();
  EXPECT_EQ(Instant{100'000}, r.hold.next_timer());
  r.now = Instant{99'999};
  r.feed(TimePassed{});
  EXPECT_TRUE(r.out.empty());
  r.pass(milliseconds(1));
  EXPECT_TRUE(r.did(Act::term));
  EXPECT_EQ(r.now + limits::stop_grace, r.hold.next_timer());
  r.pass(limits::stop_grace);
  EXPECT_TRUE(r.did(Act::kill_tree));

  Ranks waiting;
  waiting.prepared();
  waiting.now = Instant{100'000};
  waiting.feed(TimePassed{});
  EXPECT_TRUE(waiting.did(Act::kill_tree)) << "never released: nobody to ask";
}

TEST(Hold, ALongGraceEndsAtTheDeadline) {
  Ranks early;
  early.released();
  early.now = Instant{90'000};
  early.feed(Asked{HolderStop{milliseconds(500), seconds(60)}});
  early.pass(milliseconds(500));
  EXPECT_TRUE(early.did(Act::term));
  EXPECT_EQ(Instant{100'000}, early.hold.next_timer());
  early.now = Instant{100'000};
  early.feed(TimePassed{});
  EXPECT_TRUE(early.did(Act::kill_tree));

  Ranks late;  // the order was long on its way
  late.released();
  late.now = Instant{99'000};
  late.feed(Asked{HolderStop{{}, seconds(60)}});
  EXPECT_TRUE(late.did(Act::term));
  EXPECT_EQ(late.now + limits::stop_grace, late.hold.next_timer());
}

TEST(Hold, SignalsGoToRunningRanksOnly) {
  Ranks r;
  r.prepared();
  r.feed(Asked{HolderSignal{-1, 10}});
  EXPECT_TRUE(r.out.empty());
  r.feed(Asked{HolderGo{}});
  r.feed(Asked{HolderSignal{1, 10}});
  ASSERT_EQ(1U, r.out.size());
  EXPECT_EQ(Effect(Signal{1, 10}), r.out[0]);
}

TEST(Hold, NothingHappensAfterGone) {
  Ranks r;
  r.released();
  r.feed(RankExited{0, false, 0, false});
  r.feed(RankExited{1, false, 0, false});
  r.feed(TreeEmpty{});
  EXPECT_TRUE(r.feed(Asked{HolderStop{}}).empty());
  EXPECT_TRUE(r.feed(TimePassed{}).empty());
}

}  // namespace
}  // namespace weft::worker::hold
