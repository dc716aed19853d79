# Workers' reports and the broker's orders; the mirror is worker.hpp.
# Evolution: add fields at the end, never reuse a number, never change a default; every union keeps
# its unknown arm first. tests/compat holds golden files of all of it.
@0x850b50513462d6f5;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("weft::wire");
using EnumsFile = import "enums.capnp";
using JobFile = import "job.capnp";
using RepliesFile = import "replies.capnp";
using StateFile = import "state.capnp";

struct RankReport {
  rank @0 :UInt32;
  ended @1 :Bool;
  end @2 :StateFile.RankEnd;
}

struct Holding {
  attempt @0 :UInt64;
  released @1 :Bool;
  gone @2 :Bool;
  ranks @3 :List(RankReport);
  seed @4 :Data;
}

struct Join {
  nodeName @0 :Text;
  epochSeen @1 :UInt64;
  inventory @2 :StateFile.Inventory;
  holdings @3 :List(Holding);
}

struct Beat {
}

struct Prepared {
  attempt @0 :UInt64;
  code @1 :UInt16;  # base/codes.hpp
  detail @2 :Text;
}

struct RankGone {
  attempt @0 :UInt64;
  end @1 :StateFile.RankEnd;
}

struct AttemptGone {
  attempt @0 :UInt64;
}

struct MeshSeed {
  attempt @0 :UInt64;
  generation @1 :UInt32;
  address @2 :Data;
}

struct RankBlames {
  attempt @0 :UInt64;
  generation @1 :UInt32;
  reporter @2 :UInt32;
  culprit @3 :UInt32;
  code @4 :UInt16;  # base/codes.hpp
  detail @5 :Text;
}

struct RankProgress {
  attempt @0 :UInt64;
  rank @1 :UInt32;
  step @2 :UInt64;
  text @3 :Text;
}

struct LogPiece {
  ticket @0 :UInt64;
  code @1 :UInt16;  # base/codes.hpp
  detail @2 :Text;
  chunk @3 :RepliesFile.LogChunk;
}

struct Fenced {
  mine @0 :UInt64;
}

struct ProbeOpened {
  ticket @0 :UInt64;
  code @1 :UInt16;  # base/codes.hpp
  detail @2 :Text;
  address @3 :Data;
}

struct ProbeDone {
  ticket @0 :UInt64;
  run @1 :UInt32;
  measures @2 :List(StateFile.PairMeasure);
}

struct Report {
  union {
    unknown @0 :Void;
    join @1 :Join;
    beat @2 :Beat;
    prepared @3 :Prepared;
    rankGone @4 :RankGone;
    attemptGone @5 :AttemptGone;
    meshSeed @6 :MeshSeed;
    rankBlames @7 :RankBlames;
    rankProgress @8 :RankProgress;
    logPiece @9 :LogPiece;
    fenced @10 :Fenced;
    probeOpened @11 :ProbeOpened;
    probeDone @12 :ProbeDone;
  }
}

struct Welcome {
  node @0 :UInt64;
  heartbeat @1 :Int64;  # ms
  reconnectMax @2 :Int64;  # ms
}

struct GangNode {
  nodeName @0 :Text;
  address @1 :Text;
}

struct Prepare {
  attempt @0 :UInt64;
  job @1 :UInt64;
  lease @2 :UInt64;
  account @3 :Text;
  attemptNumber @4 :UInt32;
  restarts @5 :UInt32;
  generation @6 :UInt32;
  nodeIndex @7 :UInt32;
  gang @8 :List(GangNode);
  spec @9 :JobFile.JobSpec;
  leaseLeft @10 :Int64;  # ms
}

struct Go {
  attempt @0 :UInt64;
  leaseLeft @1 :Int64;  # ms
}

struct PeerEnded {
  attempt @0 :UInt64;
  who @1 :StateFile.Blame;
}

struct StopAttempt {
  attempt @0 :UInt64;
  cause @1 :EnumsFile.Cause;
  blame @2 :StateFile.Blame;
  grace @3 :Int64;  # ms
}

struct Forget {
  attempt @0 :UInt64;
}

struct SignalRanks {
  attempt @0 :UInt64;
  rank @1 :Int32;
  signal @2 :UInt32;
}

struct FetchLog {
  ticket @0 :UInt64;
  attempt @1 :UInt64;
  rank @2 :UInt32;
  errors @3 :Bool;
  offset @4 :UInt64;
  bytesMax @5 :UInt32;
  wait @6 :Int64;  # ms
}

struct Dismissed {
  code @0 :UInt16;  # base/codes.hpp
  detail @1 :Text;
}

struct ProbeOpen {
  ticket @0 :UInt64;
  nodes @1 :UInt32;
  environment @2 :List(JobFile.KeyValue);
}

struct ProbePeer {
  index @0 :UInt32;
  address @1 :Data;
}

struct ProbeRun {
  ticket @0 :UInt64;
  run @1 :UInt32;
  index @2 :UInt32;
  peers @3 :List(ProbePeer);
  to @4 :List(UInt32);
  from @5 :List(UInt32);
  each @6 :Int64;  # ms
}

struct ProbeEnd {
  ticket @0 :UInt64;
}

struct Order {
  union {
    unknown @0 :Void;
    welcome @1 :Welcome;
    prepare @2 :Prepare;
    go @3 :Go;
    meshSeed @4 :MeshSeed;
    peerEnded @5 :PeerEnded;
    stopAttempt @6 :StopAttempt;
    forget @7 :Forget;
    signalRanks @8 :SignalRanks;
    fetchLog @9 :FetchLog;
    dismissed @10 :Dismissed;
    probeOpen @11 :ProbeOpen;
    probeRun @12 :ProbeRun;
    probeEnd @13 :ProbeEnd;
  }
}
