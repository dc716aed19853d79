# The broker's objects; the mirror is state.hpp.
# Evolution: add fields at the end, never reuse a number, never change a default; every union keeps
# its unknown arm first. tests/compat holds golden files of all of it.
@0x95f9bc81318708ea;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("weft::wire");
using EnumsFile = import "enums.capnp";
using JobFile = import "job.capnp";

struct KeyEntry {
  principal @0 :Data;
  role @1 :EnumsFile.Role;
  name @2 :Text;
  account @3 :Text;
  revoked @4 :Bool;
}

struct Blame {
  code @0 :UInt16;  # base/codes.hpp
  rank @1 :UInt32;
  node @2 :UInt64;
  nodeName @3 :Text;
  status @4 :Int32;
  detail @5 :Text;
  lastLines @6 :Text;
}

struct TimelineEntry {
  at @0 :Int64;  # ms
  text @1 :Text;
}

struct Job {
  id @0 :UInt64;
  account @1 :Text;
  principal @2 :Data;
  spec @3 :JobFile.JobSpec;
  state @4 :EnumsFile.JobState;
  cause @5 :EnumsFile.Cause;
  submittedAt @6 :Int64;  # ms
  startedAt @7 :Int64;  # ms
  endedAt @8 :Int64;  # ms
  lease @9 :UInt64;
  attempt @10 :UInt64;
  attempts @11 :UInt32;
  restarts @12 :UInt32;
  retryAt @13 :Int64;  # ms
  exitCode @14 :Int32;
  timeline @15 :List(TimelineEntry);
}

struct Attempt {
  id @0 :UInt64;
  job @1 :UInt64;
  lease @2 :UInt64;
  number @3 :UInt32;
  generation @4 :UInt32;
  nodes @5 :List(UInt64);
  state @6 :EnumsFile.AttemptState;
  outcome @7 :EnumsFile.Outcome;
  cause @8 :EnumsFile.Cause;
  blame @9 :Blame;
  ranksEnded @10 :UInt32;
  madeAt @11 :Int64;  # ms
  goAt @12 :Int64;  # ms
  endedAt @13 :Int64;  # ms
}

struct RankEnd {
  rank @0 :UInt32;
  state @1 :EnumsFile.RankState;
  status @2 :Int32;
  outOfMemory @3 :Bool;
  lastLines @4 :Text;
}

struct Inventory {
  cores @0 :UInt32;
  memoryBytes @1 :UInt64;
  nics @2 :List(Text);
  gpus @3 :List(Text);
  host @4 :Text;
  address @5 :Text;
  version @6 :Text;
}

struct Node {
  id @0 :UInt64;
  name @1 :Text;
  owner @2 :Text;
  principal @3 :Data;
  incarnation @4 :UInt64;
  state @5 :EnumsFile.NodeState;
  inventory @6 :Inventory;
  units @7 :UInt32;
  lease @8 :UInt64;
  meter @9 :EnumsFile.MeterClass;
  since @10 :Int64;  # ms
}

struct Offer {
  id @0 :UInt64;
  owner @1 :Text;
  nodes @2 :List(UInt64);
  floor @3 :Int64;  # micro-dollars per unit-hour
  notice @4 :Int64;  # ms
  from @5 :Int64;  # ms
  until @6 :Int64;  # ms
  state @7 :EnumsFile.OfferState;
}

struct SliceLeaf {
  leaf @0 :UInt32;
  hosts @1 :UInt64;  # bits, by slot
  up @2 :UInt64;  # bits, by L2 index
}

struct SliceL2 {
  l2 @0 :UInt32;
  up @1 :UInt64;  # bits, by spine
}

struct Links {
  leaves @0 :List(SliceLeaf);
  l2 @1 :List(SliceL2);
}

struct Slice {
  state @0 :EnumsFile.SliceState;
  shape @1 :UInt16;
  enforced @2 :Bool;
  key @3 :UInt32;
  links @4 :Links;
  at @5 :Int64;  # ms
  text @6 :Text;
}

struct PairMeasure {
  from @0 :UInt32;
  to @1 :UInt32;
  latencyNs @2 :UInt64;
  bandwidthBps @3 :UInt64;
}

struct Spread {
  least @0 :UInt64;
  median @1 :UInt64;
  most @2 :UInt64;
}

struct Certificate {
  lease @0 :UInt64;
  atReturn @1 :Bool;
  measured @2 :Bool;
  passed @3 :Bool;
  at @4 :Int64;  # ms
  took @5 :Int64;  # ms
  pairs @6 :UInt64;
  bandwidthNeededBps @7 :UInt64;
  latencyNs @8 :Spread;
  bandwidthBps @9 :Spread;
  slowest @10 :List(PairMeasure);
  text @11 :Text;
}

struct FabricState {
  failed @0 :Links;
  quarantined @1 :Links;
}

struct Quote {
  id @0 :UInt64;
  account @1 :Text;
  nodes @2 :List(UInt64);
  price @3 :Int64;  # micro-dollars per unit-hour
  units @4 :UInt32;
  term @5 :Int64;  # ms
  notice @6 :Int64;  # ms
  expiresAt @7 :Int64;  # ms
  state @8 :EnumsFile.QuoteState;
  lease @9 :UInt64;
  slice @10 :Slice;
}

struct Lease {
  id @0 :UInt64;
  quote @1 :UInt64;
  job @2 :UInt64;
  account @3 :Text;
  owner @4 :Text;
  nodes @5 :List(UInt64);
  price @6 :Int64;  # micro-dollars per unit-hour
  units @7 :UInt32;
  feeBps @8 :UInt32;
  term @9 :Int64;  # ms
  notice @10 :Int64;  # ms
  grantedAt @11 :Int64;  # ms
  activeAt @12 :Int64;  # ms
  endsAt @13 :Int64;  # ms
  closedAt @14 :Int64;  # ms
  state @15 :EnumsFile.LeaseState;
  cause @16 :EnumsFile.Cause;
  escrow @17 :Int64;  # micro-dollars
  slice @18 :Slice;
}

struct Account {
  name @0 :Text;
  cash @1 :Int64;  # micro-dollars
  escrow @2 :Int64;  # micro-dollars
  earned @3 :Int64;  # micro-dollars
}
