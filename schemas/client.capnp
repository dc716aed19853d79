# Requests of clients; the mirror is client.hpp.
# Evolution: add fields at the end, never reuse a number, never change a default; every union keeps
# its unknown arm first. tests/compat holds golden files of all of it.
@0xad12386e74dbe96b;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("weft::wire");
using EnumsFile = import "enums.capnp";
using JobFile = import "job.capnp";
using StateFile = import "state.capnp";

struct Hello {
}

struct SubmitJob {
  spec @0 :JobFile.JobSpec;
  hold @1 :Bool;
  dryRun @2 :Bool;
}

struct CancelJob {
  job @0 :UInt64;
}

struct ShowJob {
  job @0 :UInt64;
}

struct WhyJob {
  job @0 :UInt64;
}

struct ListJobs {
  ended @0 :Bool;
  countMax @1 :UInt32;
}

struct WaitJob {
  job @0 :UInt64;
  wait @1 :Int64;  # ms
}

struct SignalJob {
  job @0 :UInt64;
  rank @1 :Int32;
  signal @2 :UInt32;
}

struct ReadLog {
  job @0 :UInt64;
  attempt @1 :UInt32;
  rank @2 :UInt32;
  errors @3 :Bool;
  offset @4 :UInt64;
  bytesMax @5 :UInt32;
  wait @6 :Int64;  # ms
}

struct ListNodes {
}

struct PutOffer {
  nodes @0 :List(Text);
  floor @1 :Int64;  # micro-dollars per unit-hour
  notice @2 :Int64;  # ms
  from @3 :Int64;  # ms
  until @4 :Int64;  # ms
}

struct ListOffers {
}

struct WithdrawOffer {
  offer @0 :UInt64;
}

struct AskQuote {
  nodes @0 :UInt32;
  gpusPerNode @1 :UInt32;
  term @2 :Int64;  # ms
  notice @3 :Int64;  # ms
  ttl @4 :Int64;  # ms
  priceMax @5 :Int64;  # micro-dollars per unit-hour
  hasPriceMax @6 :Bool;
  within @7 :EnumsFile.SliceWithin;
  exclusive @8 :EnumsFile.SliceExclusive;
}

struct ListSlices {
}

struct ClearQuarantine {
}

struct ReadCertificates {
  lease @0 :UInt64;
}

struct VerifySlice {
  lease @0 :UInt64;
}

struct AcceptQuote {
  quote @0 :UInt64;
}

struct DeclineQuote {
  quote @0 :UInt64;
}

struct ListLeases {
}

struct ReleaseLease {
  lease @0 :UInt64;
}

struct AskBill {
  job @0 :UInt64;
  lease @1 :UInt64;
}

struct ReadJournal {
  from @0 :UInt64;
  lease @1 :UInt64;
}

struct EnrollKey {
  key @0 :StateFile.KeyEntry;
}

struct ListKeys {
}

struct RevokeKey {
  keyName @0 :Text;
}

struct Deposit {
  account @0 :Text;
  amount @1 :Int64;  # micro-dollars
}

struct ListAccounts {
}

struct ReadEvents {
  after @0 :UInt64;
  job @1 :UInt64;
  countMax @2 :UInt32;
  wait @3 :Int64;  # ms
}

struct Request {
  union {
    unknown @0 :Void;
    hello @1 :Hello;
    submitJob @2 :SubmitJob;
    cancelJob @3 :CancelJob;
    showJob @4 :ShowJob;
    whyJob @5 :WhyJob;
    listJobs @6 :ListJobs;
    waitJob @7 :WaitJob;
    signalJob @8 :SignalJob;
    readLog @9 :ReadLog;
    listNodes @10 :ListNodes;
    putOffer @11 :PutOffer;
    listOffers @12 :ListOffers;
    withdrawOffer @13 :WithdrawOffer;
    askQuote @14 :AskQuote;
    acceptQuote @15 :AcceptQuote;
    declineQuote @16 :DeclineQuote;
    listLeases @17 :ListLeases;
    releaseLease @18 :ReleaseLease;
    askBill @19 :AskBill;
    readJournal @20 :ReadJournal;
    enrollKey @21 :EnrollKey;
    listKeys @22 :ListKeys;
    revokeKey @23 :RevokeKey;
    deposit @24 :Deposit;
    listAccounts @25 :ListAccounts;
    readEvents @26 :ReadEvents;
    listSlices @27 :ListSlices;
    verifySlice @28 :VerifySlice;
    clearQuarantine @29 :ClearQuarantine;
    readCertificates @30 :ReadCertificates;
  }
}
