// Requests that are answered later: when a job ends, when there is an event, when a worker sends a
// piece of a log, or when their time is over. Soft: a client asks again after a restart.
#pragma once
#include "broker/core/tx.hpp"

namespace weft::broker {

Result<void> wait(Tx& tx, const Caller& caller, Waiter waiter, Duration how_long);
void answer_waiter(Tx& tx, std::uint64_t id, bool time_is_over);
// Whoever waits for what these facts say; called once at the end of a step.
void wake(Tx& tx);
void drop_waiters(Tx& tx, SessionId session);

Result<ReplyBody> read_log(Tx& tx, const Caller& caller, const ReadLog& ask);
void log_piece(Tx& tx, NodeId node, const LogPiece& piece);
void resend_tickets(Tx& tx, NodeId node);
void ticket_due(Tx& tx, std::uint64_t id);

Result<ReplyBody> read_events(Tx& tx, const Caller& caller, const ReadEvents& ask);
Events events_after(const Tx& tx, const KeyEntry& entry, Seq after, JobId job,
                    std::uint32_t count_max);
JobView view_of(const Tx& tx, const Job& job);

// The bill of a job that has ended waits, for at most two seconds, until its slice is back.
Result<ReplyBody> read_bill(Tx& tx, const Caller& caller, const AskBill& ask);
Result<Bill> bill_for(const Tx& tx, const Caller& caller,
                      const AskBill& ask);  // handlers_market.cpp

}  // namespace weft::broker
