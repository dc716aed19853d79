# Closed sets of words; the mirror is enums.hpp. Append only.
# Evolution: add fields at the end, never reuse a number, never change a default; every union keeps
# its unknown arm first. tests/compat holds golden files of all of it.
@0xdea19833d2286d5a;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("weft::wire");

enum AttemptState {
  preparing @0;
  running @1;
  stopping @2;
  ended @3;
}

enum Cause {
  none @0;
  done @1;
  cancel @2;
  timeLimit @3;
  rankFailed @4;
  nodeLost @5;
  leaseEnd @6;
  launchFailed @7;
  reclaim @8;
  notDelivered @9;
  linkLost @10;
}

enum JobState {
  held @0;
  queued @1;
  placing @2;
  starting @3;
  running @4;
  stopping @5;
  succeeded @6;
  failed @7;
  cancelled @8;
  expired @9;
  unplaced @10;
  preempted @11;
}

enum LeaseState {
  granted @0;
  preparing @1;
  active @2;
  closing @3;
  returning @4;
  closed @5;
}

enum MeterClass {
  idle @0;
  billed @1;
  owner @2;
  credited @3;
}

enum NodeState {
  up @0;
  silent @1;
  left @2;
}

enum OfferState {
  scheduled @0;
  open @1;
  paused @2;
  closing @3;
  closed @4;
}

enum Outcome {
  none @0;
  succeeded @1;
  failed @2;
  lost @3;
  aborted @4;
  cancelled @5;
  expired @6;
}

enum PostingKind {
  deposit @0;
  escrow @1;
  escrowReturn @2;
  meter @3;
  credit @4;
  penalty @5;
  payout @6;
}

enum SliceExclusive {
  links @0;
  switches @1;
  none @2;
}

enum SliceState {
  none @0;
  programming @1;
  ready @2;
  degraded @3;
  quarantined @4;
  returning @5;
  returned @6;
}

enum SliceWithin {
  any @0;
  block @1;
  leaf @2;
}

enum QuoteState {
  open @0;
  accepted @1;
  lapsed @2;
  declined @3;
  void @4;
}

enum RankState {
  running @0;
  exited @1;
  killed @2;
  leftEarly @3;
  notStarted @4;
  lost @5;
  stopped @6;
}

enum Role {
  operator @0;
  seller @1;
  customer @2;
  worker @3;
}
