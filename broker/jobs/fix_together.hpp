// Counter-offers that change two or three constraints at once, for requests that no single change
// starts. Pure.
#pragma once
#include "broker/jobs/why.hpp"

namespace weft::broker::jobs {

// A smallest set of constraints of `s.request` whose relaxing starts it now, tried with the real
// placement code, each relaxed no further than is needed where that can be found by bisection:
// "nodes: 2, max_price: 2.00". None: no set of three does.
std::optional<Fix> fix_together(const Situation& s);

}  // namespace weft::broker::jobs
