// The worker's core: sessions, epochs, orders in every order and number, repeats, what ranks hear.
#include "drive.hpp"

namespace weft::worker {
namespace {

RankHello hello(std::uint64_t attempt, std::uint32_t rank,
                std::vector<std::uint8_t> address = {1, 2}) {
  return {{attempt}, 1, rank, std::move(address)};
}

TEST(WorkerCore, ObeysNoOrderOfALowerEpochAndStoresAHigherOneFirst) {
  struct Row {
    std::uint64_t epoch;
    bool stored, obeyed;
  };
  for (const Row& row :
       {Row{0, false, false}, Row{2, false, false}, Row{3, false, true}, Row{4, true, true}}) {
    Drive d;
    d.feed(LinkUp{});
    d.order(prepare(1), row.epoch);
    EXPECT_EQ(row.obeyed ? 1U : 0U, d.all<Launch>().size()) << row.epoch;
    EXPECT_EQ(row.obeyed ? 0U : 1U, d.reports<Fenced>().size()) << row.epoch;
    ASSERT_EQ(row.stored ? 1U : 0U, d.all<StoreEpoch>().size()) << row.epoch;
    if (row.stored) {
      EXPECT_TRUE(std::holds_alternative<StoreEpoch>(d.out.front())) << "before it obeys";
    }
    if (!row.obeyed) {
      EXPECT_EQ(3U, d.reports<Fenced>()[0].mine.value);
    }
  }
}

TEST(WorkerCore, JoinSaysEverythingThatItHolds) {
  Drive d;
  d.running(prepare(1));
  d.feed(RankSaid{{1}, 0, hello(1, 0, {9})});
  HolderTold t = told(1, true);
  t.ended = {rank_end(1, RankState::killed, 9)};
  d.feed(t);
  d.feed(LinkDown{});
  EXPECT_TRUE(d.feed(told(1, true)).empty()) << "nothing is said without a link";
  d.feed(LinkUp{});
  ASSERT_EQ(1U, d.reports<Join>().size());
  const Join join = d.reports<Join>()[0];
  EXPECT_TRUE(std::holds_alternative<Join>(std::get<SendReport>(d.out.front()).body))
      << "first of all";
  EXPECT_EQ(3U, join.epoch_seen.value);
  ASSERT_EQ(1U, join.holdings.size());
  const Holding& h = join.holdings[0];
  EXPECT_TRUE(h.released);
  EXPECT_FALSE(h.gone);
  ASSERT_EQ(2U, h.ranks.size());
  EXPECT_FALSE(h.ranks[0].ended);
  EXPECT_TRUE(h.ranks[1].ended);
  EXPECT_EQ(9, h.ranks[1].end.status);
  EXPECT_EQ(std::vector<std::uint8_t>{9}, h.seed);
}

TEST(WorkerCore, AnAttemptThatIsPreparedButNotReleasedIsSaidAgainAfterJoin) {
  Drive d;
  d.feed(Adopted{prepare(1)});
  d.feed(told(1));
  d.feed(LinkUp{});
  ASSERT_EQ(1U, d.reports<Prepared>().size());
  EXPECT_EQ(Code::none, d.reports<Prepared>()[0].code);
}

TEST(WorkerCore, TheSamePrepareTwiceIsOneLaunch) {
  Drive d;
  d.feed(LinkUp{});
  d.order(prepare(1));
  EXPECT_EQ(1U, d.all<Launch>().size());
  d.order(prepare(1));
  EXPECT_EQ(0U, d.all<Launch>().size());
  EXPECT_EQ(0U, d.reports<Prepared>().size()) << "not known yet";
  d.feed(told(1));
  EXPECT_EQ(1U, d.reports<Prepared>().size());
  d.order(prepare(1));
  EXPECT_EQ(1U, d.reports<Prepared>().size()) << "said again";
}

TEST(WorkerCore, RefusesWhatItCanNotLaunch) {
  const auto with = [](auto change) {
    Prepare p = prepare(1);
    change(p);
    return p;
  };
  const std::pair<const char*, Prepare> rows[] = {
      {"run", with([](Prepare& p) { p.spec.run.clear(); })},
      {"ranks_per_node", with([](Prepare& p) { p.spec.ranks_per_node = 0; })},
      {"ranks_per_node", with([](Prepare& p) { p.spec.ranks_per_node = 257; })},
      {"gang", with([](Prepare& p) { p.node_index = 1; })},
      {"lease", with([](Prepare& p) { p.lease_left = {}; })},
  };
  for (const auto& [word, p] : rows) {
    Drive d;
    d.feed(LinkUp{});
    d.order(p);
    EXPECT_TRUE(d.all<Launch>().empty()) << word;
    ASSERT_EQ(1U, d.reports<Prepared>().size()) << word;
    EXPECT_EQ(Code::launch_refused, d.reports<Prepared>()[0].code);
    EXPECT_NE(std::string::npos, d.reports<Prepared>()[0].detail.find(word))
        << d.reports<Prepared>()[0].detail;
  }
}

TEST(WorkerCore, ANodeIsInOneLiveAttemptOnly) {
  Drive d;
  d.running(prepare(1));
  d.order(prepare(2));
  ASSERT_EQ(1U, d.reports<Prepared>().size());
  EXPECT_EQ(Code::launch_refused, d.reports<Prepared>()[0].code);
  HolderTold t = told(1, true);
  t.ended = {rank_end(0), rank_end(1)};
  t.gone = true;
  d.feed(t);
  d.order(prepare(2));
  EXPECT_EQ(1U, d.all<Launch>().size()) << "free once nothing of the first is left";
}

TEST(WorkerCore, GoCountsOnceAndNeverAfterAStop) {
  Drive d;
  d.feed(LinkUp{});
  d.order(prepare(1));
  d.feed(told(1));
  d.order(Go{{1}, seconds(5)});
  ASSERT_EQ(1U, d.holder<HolderGo>().size());
  EXPECT_EQ(seconds(5), d.holder<HolderGo>()[0].lease_left);
  d.order(Go{{1}, seconds(5)});
  EXPECT_TRUE(d.holder<HolderGo>().empty());

  Drive e;
  e.feed(LinkUp{});
  e.order(prepare(1));
  e.feed(told(1));
  e.order(StopAttempt{{1}, Cause::cancel, {}, seconds(5)});
  e.order(Go{{1}, seconds(5)});
  EXPECT_TRUE(e.holder<HolderGo>().empty());
}

TEST(WorkerCore, OrdersForWhatIsNotHereAreAnsweredGone) {
  Drive d;
  d.feed(LinkUp{});
  for (const OrderBody& body :
       {OrderBody(Go{{9}, {}}), OrderBody(StopAttempt{{9}, Cause::cancel, {}, {}}),
        OrderBody(MeshSeed{{9}, 1, {1}})}) {
    d.order(body);
    ASSERT_EQ(1U, d.reports<AttemptGone>().size());
    EXPECT_EQ(9U, d.reports<AttemptGone>()[0].attempt.value);
  }
  // Never launched again once forgotten, also after a restart.
  Drive e;
  Began began;
  began.forgotten = {{9}};
  e.feed(began);
  e.feed(LinkUp{});
  e.order(prepare(9));
  EXPECT_TRUE(e.all<Launch>().empty());
  EXPECT_EQ(1U, e.reports<AttemptGone>().size());
}

TEST(WorkerCore, EndsAreReportedOnceAndRepeatedUntilForgotten) {
  Drive d;
  d.running(prepare(1));
  HolderTold t = told(1, true);
  t.ended = {rank_end(0)};
  d.feed(t);
  EXPECT_EQ(1U, d.reports<RankGone>().size());
  d.feed(t);
  EXPECT_EQ(0U, d.reports<RankGone>().size()) << "known";
  t.ended.push_back(rank_end(1));
  t.gone = true;
  d.feed(t);
  EXPECT_EQ(1U, d.reports<RankGone>().size());
  EXPECT_EQ(1U, d.reports<AttemptGone>().size());
  Duration gap = limits::report_repeat;
  for (int i = 0; i < 3; ++i, gap = gap * 2) {
    EXPECT_EQ(d.now + gap, d.worker.next_timer());
    d.pass(gap);
    EXPECT_EQ(2U, d.reports<RankGone>().size());
    EXPECT_EQ(1U, d.reports<AttemptGone>().size());
  }
  d.order(Forget{{1}});
  EXPECT_EQ(1U, d.all<DropAttempt>().size());
  EXPECT_EQ(never, d.worker.next_timer());
}

TEST(WorkerCore, APrepareBehindItsStopLaunchesNothing) {
  Drive d;
  d.feed(LinkUp{});
  d.order(StopAttempt{{1}, Cause::cancel, {}, seconds(5)});
  EXPECT_EQ(1U, d.reports<AttemptGone>().size());
  d.order(prepare(1));  // overtaken on its way
  EXPECT_TRUE(d.all<Launch>().empty());
  EXPECT_EQ(1U, d.reports<AttemptGone>().size());
  d.order(prepare(2));
  EXPECT_EQ(1U, d.all<Launch>().size());
}

TEST(WorkerCore, ForgetOfARunningAttemptIsIgnored) {
  Drive d;
  d.running(prepare(1));
  d.order(Forget{{1}});
  EXPECT_TRUE(d.all<DropAttempt>().empty());
  EXPECT_NE(nullptr, d.worker.find({1}));
}

TEST(WorkerCore, NeighboursOnTheNodeHearOfAnEndAtOnceWithItsCause) {
  struct Row {
    RankState state;
    int status;
    bool oom;
    Code code;
  };
  for (const Row& row : {Row{RankState::exited, 0, false, Code::none},
                         Row{RankState::exited, 3, false, Code::peer_exit},
                         Row{RankState::killed, 9, false, Code::peer_killed},
                         Row{RankState::killed, 9, true, Code::peer_oom},
                         Row{RankState::lost, 0, false, Code::peer_killed},
                         Row{RankState::not_started, 0, false, Code::launch_exec}}) {
    Drive d;
    d.running(prepare(1));
    d.feed(RankSaid{{1}, 0, hello(1, 0)});
    d.feed(RankSaid{{1}, 1, hello(1, 1)});
    HolderTold t = told(1, true);
    t.ended = {rank_end(1, row.state, row.status)};
    t.ended[0].out_of_memory = row.oom;
    d.feed(t);
    const auto heard = d.heard<PeerEnded>();
    ASSERT_EQ(1U, heard.size()) << "only the other rank";
    EXPECT_EQ(0U, heard[0].first);
    EXPECT_EQ(row.code, heard[0].second.who.code) << to_string(row.state);
    EXPECT_EQ(1U, heard[0].second.who.rank);
    EXPECT_EQ("n0", heard[0].second.who.node_name);
    EXPECT_EQ("last words", heard[0].second.who.last_lines);
    // The broker's word about the same rank is not told twice.
    d.order(PeerEnded{{1}, heard[0].second.who});
    EXPECT_TRUE(d.heard<PeerEnded>().empty());
  }
}

TEST(WorkerCore, TheSeedReachesRanksWhoeverComesFirst) {
  Drive d;  // rank 0 is here, the gang is larger
  d.running(prepare(1, 2));
  d.feed(RankSaid{{1}, 1, hello(1, 1)});
  EXPECT_TRUE(d.heard<MeshSeed>().empty());
  d.feed(RankSaid{{1}, 0, hello(1, 0, {7, 7})});
  ASSERT_EQ(1U, d.reports<MeshSeed>().size());
  EXPECT_EQ((std::vector<std::uint8_t>{7, 7}), d.reports<MeshSeed>()[0].address);
  EXPECT_EQ(2U, d.heard<MeshSeed>().size());
  d.pass(limits::report_repeat);
  EXPECT_EQ(1U, d.reports<MeshSeed>().size()) << "until the broker has passed it on";
  d.order(MeshSeed{{1}, 1, {7, 7}});
  d.pass(limits::report_repeat * 2);
  EXPECT_TRUE(d.reports<MeshSeed>().empty());

  Drive e;  // rank 0 is elsewhere
  e.running(prepare(1, 2, 2, 1));
  e.order(MeshSeed{{1}, 1, {8}});
  e.feed(RankSaid{{1}, 3, hello(1, 3)});
  ASSERT_EQ(1U, e.heard<MeshSeed>().size());
  EXPECT_EQ(3U, e.heard<MeshSeed>()[0].first);
  EXPECT_TRUE(e.reports<MeshSeed>().empty());

  Drive f;  // all ranks are here: the broker has no part in it
  f.running(prepare(1, 1));
  f.feed(RankSaid{{1}, 0, hello(1, 0)});
  EXPECT_TRUE(f.reports<MeshSeed>().empty());
  EXPECT_EQ(1U, f.heard<MeshSeed>().size());
}

TEST(WorkerCore, ARankThatComesAgainHearsWhatItMissed) {
  Drive d;
  d.running(prepare(1, 2, 2, 1));
  d.order(MeshSeed{{1}, 1, {8}});
  Blame blame;
  blame.code = Code::peer_killed;
  blame.rank = 0;
  d.order(PeerEnded{{1}, blame});
  d.order(StopAttempt{{1}, Cause::rank_failed, blame, seconds(5)});
  d.feed(RankSaid{{1}, 2, hello(1, 2)});
  EXPECT_EQ(1U, d.heard<MeshSeed>().size());
  EXPECT_EQ(1U, d.heard<PeerEnded>().size());
  ASSERT_EQ(1U, d.heard<StopAttempt>().size());
  EXPECT_EQ(Code::peer_killed, d.heard<StopAttempt>()[0].second.blame.code);
}

TEST(WorkerCore, AHelloOfAnotherGenerationIsNotAnswered) {
  Drive d;
  d.running(prepare(1));
  RankHello old = hello(1, 0);
  old.generation = 2;
  d.feed(RankSaid{{1}, 0, old});
  EXPECT_TRUE(d.heard<MeshSeed>().empty());
}

TEST(WorkerCore, AStopTellsTheRanksFirstAndGivesThoseOnTheMeshTimeToLeave) {
  Drive d;
  d.running(prepare(1));
  d.order(StopAttempt{{1}, Cause::cancel, {}, seconds(5)});
  ASSERT_EQ(1U, d.holder<HolderStop>().size());
  EXPECT_EQ(Duration{}, d.holder<HolderStop>()[0].leave) << "nobody listens";

  Drive e;
  e.running(prepare(1));
  e.feed(RankSaid{{1}, 0, hello(1, 0)});
  e.order(StopAttempt{{1}, Cause::rank_failed, {}, seconds(5)});
  EXPECT_EQ(1U, e.heard<StopAttempt>().size());
  ASSERT_EQ(1U, e.holder<HolderStop>().size());
  EXPECT_EQ(limits::stop_leave, e.holder<HolderStop>()[0].leave);
  EXPECT_EQ(seconds(5), e.holder<HolderStop>()[0].grace);
  e.order(StopAttempt{{1}, Cause::cancel, {}, {}});
  EXPECT_TRUE(e.heard<StopAttempt>().empty()) << "told once";
  EXPECT_EQ(Duration{}, e.holder<HolderStop>()[0].grace) << "the holder takes the shorter";
}

TEST(WorkerCore, ProgressIsThinnedAndBlamesAreCounted) {
  Drive d;
  d.running(prepare(1));
  d.feed(RankSaid{{1}, 0, hello(1, 0)});
  std::size_t sent = 0;
  for (std::uint64_t step = 0; step < 100; ++step) {
    d.feed(RankSaid{{1}, 0, RankProgress{{999}, 7, step, "x"}});
    sent += d.reports<RankProgress>().size();
  }
  EXPECT_EQ(1U, sent);
  d.pass(limits::progress_period);
  ASSERT_EQ(1U, d.reports<RankProgress>().size());
  EXPECT_EQ(99U, d.reports<RankProgress>()[0].step) << "the newest";
  EXPECT_EQ(1U, d.reports<RankProgress>()[0].attempt.value) << "not what the rank claims";
  EXPECT_EQ(0U, d.reports<RankProgress>()[0].rank);
  sent = 0;
  for (int i = 0; i < 100; ++i) {
    d.feed(RankSaid{{1}, 0, RankBlames{{999}, 1, 7, 1, Code::peer_left, ""}});
    for (const RankBlames& b : d.reports<RankBlames>()) {
      EXPECT_EQ(0U, b.reporter);
      ++sent;
    }
  }
  EXPECT_EQ(limits::blames_per_rank_max, sent);
}

TEST(WorkerCore, LeavingStopsEverythingRefusesWorkAndEndsOnceAcknowledged) {
  Drive d;
  d.running(prepare(1));
  d.feed(LeaveAsked{});
  EXPECT_EQ(1U, d.holder<HolderStop>().size());
  EXPECT_TRUE(d.all<Exit>().empty());
  d.order(prepare(2));
  ASSERT_EQ(1U, d.reports<Prepared>().size());
  EXPECT_EQ(Code::launch_refused, d.reports<Prepared>()[0].code);
  HolderTold t = told(1, true);
  t.ended = {rank_end(0), rank_end(1)};
  t.gone = true;
  d.feed(t);
  EXPECT_TRUE(d.all<Exit>().empty()) << "the broker should hear of it";
  d.order(Forget{{1}});
  ASSERT_EQ(1U, d.all<Exit>().size());
  EXPECT_EQ(0, d.all<Exit>()[0].code);

  Drive e;  // a broker that does not answer holds nobody up
  e.running(prepare(1));
  e.feed(LeaveAsked{});
  e.feed(t);
  e.pass(seconds(1));
  EXPECT_EQ(1U, e.all<Exit>().size());
}

TEST(WorkerCore, ADismissedWorkerEnds) {
  Drive d;
  d.feed(LinkUp{});
  d.order(Dismissed{Code::worker_superseded, "a newer process of n0 has joined"});
  ASSERT_EQ(1U, d.all<Exit>().size());
  EXPECT_EQ(1, d.all<Exit>()[0].code);
  EXPECT_EQ("worker.superseded: a newer process of n0 has joined", d.all<Exit>()[0].reason);
}

}  // namespace
}  // namespace weft::worker
