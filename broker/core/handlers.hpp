// What each request does. Each returns the reply's body, std::monostate when it is answered later,
// or a refusal; a handler that refuses has emitted nothing.
#pragma once
#include "broker/core/tx.hpp"

namespace weft::broker {

using Answer = Result<ReplyBody>;

void on_request(Tx& tx, const Caller& caller, const Envelope& envelope);

Answer handle(Tx&, const Caller&, const std::monostate&);
Answer handle(Tx&, const Caller&, const Hello&);
// jobs (handlers_jobs.cpp)
Answer handle(Tx&, const Caller&, const SubmitJob&);
Answer handle(Tx&, const Caller&, const CancelJob&);
Answer handle(Tx&, const Caller&, const ShowJob&);
Answer handle(Tx&, const Caller&, const WhyJob&);
Answer handle(Tx&, const Caller&, const ListJobs&);
Answer handle(Tx&, const Caller&, const WaitJob&);
Answer handle(Tx&, const Caller&, const SignalJob&);
Answer handle(Tx&, const Caller&, const ReadLog&);
// market (handlers_market.cpp, handlers_quotes.cpp)
Answer handle(Tx&, const Caller&, const PutOffer&);
Answer handle(Tx&, const Caller&, const ListOffers&);
Answer handle(Tx&, const Caller&, const WithdrawOffer&);
Answer handle(Tx&, const Caller&, const AskQuote&);
Answer handle(Tx&, const Caller&, const AcceptQuote&);
Answer handle(Tx&, const Caller&, const DeclineQuote&);
Answer handle(Tx&, const Caller&, const ListLeases&);
Answer handle(Tx&, const Caller&, const ReleaseLease&);
Answer handle(Tx&, const Caller&, const AskBill&);
// the rest (handlers_admin.cpp)
Answer handle(Tx&, const Caller&, const ListNodes&);
Answer handle(Tx&, const Caller&, const ReadJournal&);
Answer handle(Tx&, const Caller&, const EnrollKey&);
Answer handle(Tx&, const Caller&, const ListKeys&);
Answer handle(Tx&, const Caller&, const RevokeKey&);
Answer handle(Tx&, const Caller&, const Deposit&);
Answer handle(Tx&, const Caller&, const ListAccounts&);
Answer handle(Tx&, const Caller&, const ReadEvents&);
// slices (handlers_slices.cpp)
Answer handle(Tx&, const Caller&, const ListSlices&);
Answer handle(Tx&, const Caller&, const VerifySlice&);
Answer handle(Tx&, const Caller&, const ReadCertificates&);
Answer handle(Tx&, const Caller&, const ClearQuarantine&);

// An object of another account is as unknown as one that does not exist.
Result<const Job*> job_of(const Tx& tx, const Caller& caller, JobId id);

}  // namespace weft::broker
