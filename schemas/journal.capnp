# Journal records, facts and snapshots; the mirror is journal.hpp.
# Evolution: add fields at the end, never reuse a number, never change a default; every union keeps
# its unknown arm first. tests/compat holds golden files of all of it.
@0x8309bc8218c83e10;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("weft::wire");
using EnumsFile = import "enums.capnp";
using StateFile = import "state.capnp";

struct Leg {
  account @0 :Text;
  amount @1 :Int64;  # micro-dollars
}

struct Posted {
  id @0 :UInt64;
  kind @1 :EnumsFile.PostingKind;
  lease @2 :UInt64;
  at @3 :Int64;  # ms
  legs @4 :List(Leg);
  memo @5 :Text;
}

struct EpochBegan {
  epoch @0 :UInt64;
  at @1 :Int64;  # ms
  version @2 :Text;
}

struct KeyPut {
  key @0 :StateFile.KeyEntry;
}

struct NodePut {
  node @0 :StateFile.Node;
}

struct NodeMetered {
  node @0 :UInt64;
  meter @1 :EnumsFile.MeterClass;
  lease @2 :UInt64;
  at @3 :Int64;  # ms
  cause @4 :EnumsFile.Cause;
}

struct OfferPut {
  offer @0 :StateFile.Offer;
}

struct QuotePut {
  quote @0 :StateFile.Quote;
}

struct LeaseGranted {
  lease @0 :StateFile.Lease;
}

struct LeaseMoved {
  lease @0 :UInt64;
  state @1 :EnumsFile.LeaseState;
  cause @2 :EnumsFile.Cause;
  at @3 :Int64;  # ms
  endsAt @4 :Int64;  # ms
}

struct SlicePut {
  lease @0 :UInt64;
  slice @1 :StateFile.Slice;
}

struct FabricPut {
  fabric @0 :StateFile.FabricState;
  text @1 :Text;
}

struct Certified {
  certificate @0 :StateFile.Certificate;
}

struct JobSubmitted {
  job @0 :StateFile.Job;
}

struct JobMoved {
  job @0 :UInt64;
  state @1 :EnumsFile.JobState;
  cause @2 :EnumsFile.Cause;
  at @3 :Int64;  # ms
  retryAt @4 :Int64;  # ms
  lease @5 :UInt64;
  attempt @6 :UInt64;
  restarts @7 :UInt32;
  exitCode @8 :Int32;
  text @9 :Text;
}

struct AttemptMade {
  attempt @0 :StateFile.Attempt;
}

struct AttemptMoved {
  attempt @0 :UInt64;
  state @1 :EnumsFile.AttemptState;
  outcome @2 :EnumsFile.Outcome;
  cause @3 :EnumsFile.Cause;
  blame @4 :StateFile.Blame;
  at @5 :Int64;  # ms
}

struct RankEnded {
  attempt @0 :UInt64;
  end @1 :StateFile.RankEnd;
  at @2 :Int64;  # ms
}

struct NodeCleared {
  attempt @0 :UInt64;
  node @1 :UInt64;
  at @2 :Int64;  # ms
}

struct Answered {
  principal @0 :Data;
  key @1 :Data;
  request @2 :Data;
  reply @3 :Data;
  at @4 :Int64;  # ms
}

struct FactBox {
  union {
    unknown @0 :Void;
    epochBegan @1 :EpochBegan;
    keyPut @2 :KeyPut;
    nodePut @3 :NodePut;
    nodeMetered @4 :NodeMetered;
    offerPut @5 :OfferPut;
    quotePut @6 :QuotePut;
    leaseGranted @7 :LeaseGranted;
    leaseMoved @8 :LeaseMoved;
    posted @9 :Posted;
    jobSubmitted @10 :JobSubmitted;
    jobMoved @11 :JobMoved;
    attemptMade @12 :AttemptMade;
    attemptMoved @13 :AttemptMoved;
    rankEnded @14 :RankEnded;
    nodeCleared @15 :NodeCleared;
    answered @16 :Answered;
    slicePut @17 :SlicePut;
    fabricPut @18 :FabricPut;
    certified @19 :Certified;
  }
}

struct JournalRecord {
  seq @0 :UInt64;
  epoch @1 :UInt64;
  at @2 :Int64;  # ms
  principal @3 :Data;
  input @4 :Data;
  facts @5 :List(FactBox);
}

struct NextIds {
  node @0 :UInt64;
  offer @1 :UInt64;
  quote @2 :UInt64;
  lease @3 :UInt64;
  job @4 :UInt64;
  attempt @5 :UInt64;
  posting @6 :UInt64;
}

struct Cleared {
  attempt @0 :UInt64;
  nodes @1 :List(UInt64);
  ends @2 :List(StateFile.RankEnd);
}

struct MeterTotals {
  lease @0 :UInt64;
  grossHigh @1 :UInt64;
  grossLow @2 :UInt64;
  ownerHigh @3 :UInt64;
  ownerLow @4 :UInt64;
  houseHigh @5 :UInt64;
  houseLow @6 :UInt64;
  gross @7 :Int64;  # micro-dollars
  creditOwner @8 :Int64;  # micro-dollars
  creditHouse @9 :Int64;  # micro-dollars
  fee @10 :Int64;  # micro-dollars
}

struct Balance {
  account @0 :Text;
  amount @1 :Int64;  # micro-dollars
}

struct MeteredSpan {
  node @0 :UInt64;
  meter @1 :EnumsFile.MeterClass;
  cause @2 :EnumsFile.Cause;
  from @3 :Int64;  # ms
  to @4 :Int64;  # ms
  units @5 :UInt32;
}

struct LeaseHistory {
  lease @0 :UInt64;
  spans @1 :List(MeteredSpan);
  postings @2 :List(Posted);
}

struct NodeBook {
  node @0 :UInt64;
  enrolledAt @1 :Int64;  # ms
  unitsSince @2 :Int64;  # ms
  capacity @3 :Int64;  # units x ms
  idle @4 :Int64;  # units x ms
  billed @5 :Int64;  # units x ms
  owner @6 :Int64;  # units x ms
  credited @7 :Int64;  # units x ms
  cause @8 :EnumsFile.Cause;
  superseded @9 :List(UInt64);
}

struct Usage {
  account @0 :Text;
  quantity @1 :Int64;  # units x ms
}

struct Snapshot {
  seq @0 :UInt64;
  epoch @1 :UInt64;
  next @2 :NextIds;
  keys @3 :List(StateFile.KeyEntry);
  nodes @4 :List(StateFile.Node);
  offers @5 :List(StateFile.Offer);
  quotes @6 :List(StateFile.Quote);
  leases @7 :List(StateFile.Lease);
  jobs @8 :List(StateFile.Job);
  attempts @9 :List(StateFile.Attempt);
  cleared @10 :List(Cleared);
  meters @11 :List(MeterTotals);
  balances @12 :List(Balance);
  answers @13 :List(Answered);
  at @14 :Int64;  # ms
  histories @15 :List(LeaseHistory);
  nodeBooks @16 :List(NodeBook);
  usages @17 :List(Usage);
  fabric @18 :StateFile.FabricState;
  certificates @19 :List(StateFile.Certificate);
}
