// Which queued job starts now. The queue is looked at again only when resources or its head have
// changed; a job that is submitted behind a blocked head is tried once.
#pragma once
#include "broker/core/tx.hpp"

namespace weft::broker {

fabric::Request request_of(const JobSpec& spec);
// The price that a node of this offer gets.
Price price_of(const Machine& machine, const Offer& offer);
struct Funding {   // does the account have what the slice may cost?
  Code blocker{};  // none, money_insufficient, money_range or place_price (cost cap)
  Money needed, available;
};
Funding funding(const Durable& durable, const std::string& account, const JobSpec& spec,
                const std::vector<LeaseId>& leases_so_far, const fabric::Placement& placement);

// At the end of every step: start what can start, if anything has changed.
void plan(Tx& tx);
// A job was just queued: start it now if that is possible without delaying anybody before it.
void consider(Tx& tx, JobId job);

}  // namespace weft::broker
