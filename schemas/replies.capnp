# Replies to clients; the mirror is replies.hpp.
# Evolution: add fields at the end, never reuse a number, never change a default; every union keeps
# its unknown arm first. tests/compat holds golden files of all of it.
@0x8e8ae8ba0da43fe9;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("weft::wire");
using EnumsFile = import "enums.capnp";
using JobFile = import "job.capnp";
using JournalFile = import "journal.capnp";
using StateFile = import "state.capnp";

struct Refused {
  code @0 :UInt16;  # base/codes.hpp
  detail @1 :Text;
}

struct Done {
}

struct Info {
  version @0 :Text;
  epoch @1 :UInt64;
  seq @2 :UInt64;
  now @3 :Int64;  # ms
  startedAt @4 :Int64;  # ms
  role @5 :EnumsFile.Role;
  keyName @6 :Text;
  account @7 :Text;
  jobsLive @8 :UInt64;
  nodesUp @9 :UInt64;
  state @10 :Data;
}

struct Submitted {
  job @0 :UInt64;
  state @1 :EnumsFile.JobState;
}

struct Fix {
  what @0 :Text;
  then @1 :Text;
}

struct Why {
  job @0 :UInt64;
  state @1 :EnumsFile.JobState;
  summary @2 :Text;
  blockers @3 :List(UInt16);
  fixes @4 :List(Fix);
  clear @5 :List(Text);
  blame @6 :StateFile.Blame;
}

struct DryRun {
  spec @0 :JobFile.JobSpec;
  placeable @1 :Bool;
  nodes @2 :List(Text);
  price @3 :Int64;  # micro-dollars per unit-hour
  costMax @4 :Int64;  # micro-dollars
  why @5 :Why;
}

struct JobLine {
  job @0 :UInt64;
  jobName @1 :Text;
  account @2 :Text;
  state @3 :EnumsFile.JobState;
  nodes @4 :UInt32;
  ranks @5 :UInt32;
  attempts @6 :UInt32;
  submittedAt @7 :Int64;  # ms
  startedAt @8 :Int64;  # ms
  endedAt @9 :Int64;  # ms
  exitCode @10 :Int32;
  note @11 :Text;
}

struct JobList {
  jobs @0 :List(JobLine);
  cut @1 :Bool;
}

struct JobView {
  job @0 :StateFile.Job;
  attempts @1 :List(StateFile.Attempt);
  ends @2 :List(StateFile.RankEnd);
  nodes @3 :List(Text);
  progress @4 :List(JobFile.KeyValue);
}

struct LogChunk {
  offset @0 :UInt64;
  next @1 :UInt64;
  data @2 :Data;
  end @3 :Bool;
}

struct NodeList {
  nodes @0 :List(StateFile.Node);
}

struct OfferList {
  offers @0 :List(StateFile.Offer);
}

struct QuoteReply {
  quote @0 :StateFile.Quote;
  nodes @1 :List(Text);
  costMax @2 :Int64;  # micro-dollars
}

struct LeaseList {
  leases @0 :List(StateFile.Lease);
}

struct Segment {
  node @0 :UInt64;
  nodeName @1 :Text;
  meter @2 :EnumsFile.MeterClass;
  from @3 :Int64;  # ms
  to @4 :Int64;  # ms
  cause @5 :EnumsFile.Cause;
  units @6 :UInt32;
}

struct LeaseBill {
  lease @0 :StateFile.Lease;
  segments @1 :List(Segment);
  postings @2 :List(JournalFile.Posted);
  gross @3 :Int64;  # micro-dollars
  credits @4 :Int64;  # micro-dollars
  net @5 :Int64;  # micro-dollars
  fee @6 :Int64;  # micro-dollars
  labels @7 :List(JobFile.KeyValue);
}

struct Bill {
  account @0 :Text;
  at @1 :Int64;  # ms
  leases @2 :List(LeaseBill);
  total @3 :Int64;  # micro-dollars
  cut @4 :Bool;
}

struct StoredRecord {
  seq @0 :UInt64;
  body @1 :Data;
  sum @2 :Data;
}

struct JournalChunk {
  records @0 :List(StoredRecord);
  next @1 :UInt64;
  end @2 :Bool;
}

struct KeyList {
  keys @0 :List(StateFile.KeyEntry);
}

struct AccountList {
  accounts @0 :List(StateFile.Account);
}

struct EventLine {
  seq @0 :UInt64;
  at @1 :Int64;  # ms
  kind @2 :Text;
  object @3 :UInt64;
  text @4 :Text;
}

struct Events {
  events @0 :List(EventLine);
  last @1 :UInt64;
}

struct SliceLine {
  lease @0 :UInt64;
  job @1 :UInt64;
  account @2 :Text;
  leaseState @3 :EnumsFile.LeaseState;
  slice @4 :StateFile.Slice;
  nodes @5 :List(Text);
}

struct SliceList {
  driver @0 :Text;
  enforced @1 :Bool;
  fabric @2 :Text;
  state @3 :StateFile.FabricState;
  slices @4 :List(SliceLine);
}

struct SliceVerified {
  lease @0 :UInt64;
  enforced @1 :Bool;
  pairs @2 :UInt64;
  negativeProbes @3 :UInt64;
  differences @4 :List(Text);
  moreDifferences @5 :UInt64;
  readBack @6 :Int64;  # ms
  verify @7 :Int64;  # ms
}

struct Certificates {
  driver @0 :Text;
  linkRateBps @1 :UInt64;
  slice @2 :SliceLine;
  certificates @3 :List(StateFile.Certificate);
}

struct Reply {
  union {
    unknown @0 :Void;
    refused @1 :Refused;
    done @2 :Done;
    info @3 :Info;
    submitted @4 :Submitted;
    dryRun @5 :DryRun;
    jobList @6 :JobList;
    jobView @7 :JobView;
    why @8 :Why;
    logChunk @9 :LogChunk;
    nodeList @10 :NodeList;
    offerList @11 :OfferList;
    quoteReply @12 :QuoteReply;
    leaseList @13 :LeaseList;
    bill @14 :Bill;
    journalChunk @15 :JournalChunk;
    keyList @16 :KeyList;
    accountList @17 :AccountList;
    events @18 :Events;
    sliceList @19 :SliceList;
    sliceVerified @20 :SliceVerified;
    certificates @21 :Certificates;
  }
}
