// Life cycles of offers, quotes and leases, as tables: one row for every pair of state and input.
// A row without a next state refuses the input (state.illegal) and changes nothing.
#pragma once
#include "base/state_table.hpp"
#include "schemas/enums.hpp"

namespace weft::broker::market {

enum class OfferInput : std::uint8_t { begin, pause, resume, withdraw, until, emptied };
using OfferRow = Row<OfferState, OfferInput>;
inline constexpr OfferRow offer_rows[] = {
    {OfferState::scheduled, OfferInput::begin, OfferState::open},
    {OfferState::scheduled, OfferInput::pause, OfferState::paused},
    {OfferState::scheduled, OfferInput::resume, {}},
    {OfferState::scheduled, OfferInput::withdraw, OfferState::closing},
    {OfferState::scheduled, OfferInput::until, OfferState::closing},
    {OfferState::scheduled, OfferInput::emptied, {}},
    {OfferState::open, OfferInput::begin, {}},
    {OfferState::open, OfferInput::pause, OfferState::paused},
    {OfferState::open, OfferInput::resume, {}},
    {OfferState::open, OfferInput::withdraw, OfferState::closing},
    {OfferState::open, OfferInput::until, OfferState::closing},
    {OfferState::open, OfferInput::emptied, {}},
    {OfferState::paused, OfferInput::begin, {}},
    {OfferState::paused, OfferInput::pause, {}},
    {OfferState::paused, OfferInput::resume, OfferState::open},
    {OfferState::paused, OfferInput::withdraw, OfferState::closing},
    {OfferState::paused, OfferInput::until, OfferState::closing},
    {OfferState::paused, OfferInput::emptied, {}},
    // closing: no new quotes; open quotes are honoured and leases run to their end
    {OfferState::closing, OfferInput::begin, {}},
    {OfferState::closing, OfferInput::pause, {}},
    {OfferState::closing, OfferInput::resume, {}},
    {OfferState::closing, OfferInput::withdraw, {}},
    {OfferState::closing, OfferInput::until, {}},
    {OfferState::closing, OfferInput::emptied, OfferState::closed},
    {OfferState::closed, OfferInput::begin, {}},
    {OfferState::closed, OfferInput::pause, {}},
    {OfferState::closed, OfferInput::resume, {}},
    {OfferState::closed, OfferInput::withdraw, {}},
    {OfferState::closed, OfferInput::until, {}},
    {OfferState::closed, OfferInput::emptied, {}},
};
static_assert(one_row_for_every_pair<OfferState, OfferInput, 5, 6>(offer_rows));

enum class QuoteInput : std::uint8_t { accept, lapse, decline, lose_node };
using QuoteRow = Row<QuoteState, QuoteInput>;
inline constexpr QuoteRow quote_rows[] = {
    {QuoteState::open, QuoteInput::accept, QuoteState::accepted},
    {QuoteState::open, QuoteInput::lapse, QuoteState::lapsed},
    {QuoteState::open, QuoteInput::decline, QuoteState::declined},
    {QuoteState::open, QuoteInput::lose_node, QuoteState::voided},
    {QuoteState::accepted, QuoteInput::accept, {}},
    {QuoteState::accepted, QuoteInput::lapse, {}},
    {QuoteState::accepted, QuoteInput::decline, {}},
    {QuoteState::accepted, QuoteInput::lose_node, {}},
    {QuoteState::lapsed, QuoteInput::accept, {}},
    {QuoteState::lapsed, QuoteInput::lapse, {}},
    {QuoteState::lapsed, QuoteInput::decline, {}},
    {QuoteState::lapsed, QuoteInput::lose_node, {}},
    {QuoteState::declined, QuoteInput::accept, {}},
    {QuoteState::declined, QuoteInput::lapse, {}},
    {QuoteState::declined, QuoteInput::decline, {}},
    {QuoteState::declined, QuoteInput::lose_node, {}},
    {QuoteState::voided, QuoteInput::accept, {}},
    {QuoteState::voided, QuoteInput::lapse, {}},
    {QuoteState::voided, QuoteInput::decline, {}},
    {QuoteState::voided, QuoteInput::lose_node, {}},
};
static_assert(one_row_for_every_pair<QuoteState, QuoteInput, 5, 4>(quote_rows));

// `go`: the first GO, or the hand-over of a lease without a job: billing starts. `stop`: it shall
// end (released, job over, end of term, broken). `clear`: no attempt is left on it. `give_back`:
// every node is out of the meter; the rest of the escrow returns.
enum class LeaseInput : std::uint8_t { prepare, go, stop, clear, give_back };
using LeaseRow = Row<LeaseState, LeaseInput>;
inline constexpr LeaseRow lease_rows[] = {
    {LeaseState::granted, LeaseInput::prepare, LeaseState::preparing},
    {LeaseState::granted, LeaseInput::go, {}},
    {LeaseState::granted, LeaseInput::stop, LeaseState::closing},
    {LeaseState::granted, LeaseInput::clear, {}},
    {LeaseState::granted, LeaseInput::give_back, {}},
    {LeaseState::preparing, LeaseInput::prepare, {}},
    {LeaseState::preparing, LeaseInput::go, LeaseState::active},
    {LeaseState::preparing, LeaseInput::stop, LeaseState::closing},
    {LeaseState::preparing, LeaseInput::clear, {}},
    {LeaseState::preparing, LeaseInput::give_back, {}},
    {LeaseState::active, LeaseInput::prepare, {}},
    {LeaseState::active, LeaseInput::go, {}},
    {LeaseState::active, LeaseInput::stop, LeaseState::closing},
    {LeaseState::active, LeaseInput::clear, {}},
    {LeaseState::active, LeaseInput::give_back, {}},
    {LeaseState::closing, LeaseInput::prepare, {}},
    {LeaseState::closing, LeaseInput::go, {}},
    {LeaseState::closing, LeaseInput::stop, {}},
    {LeaseState::closing, LeaseInput::clear, LeaseState::returning},
    {LeaseState::closing, LeaseInput::give_back, {}},
    {LeaseState::returning, LeaseInput::prepare, {}},
    {LeaseState::returning, LeaseInput::go, {}},
    {LeaseState::returning, LeaseInput::stop, {}},
    {LeaseState::returning, LeaseInput::clear, {}},
    {LeaseState::returning, LeaseInput::give_back, LeaseState::closed},
    {LeaseState::closed, LeaseInput::prepare, {}},
    {LeaseState::closed, LeaseInput::go, {}},
    {LeaseState::closed, LeaseInput::stop, {}},
    {LeaseState::closed, LeaseInput::clear, {}},
    {LeaseState::closed, LeaseInput::give_back, {}},
};
static_assert(one_row_for_every_pair<LeaseState, LeaseInput, 6, 5>(lease_rows));

constexpr bool live(LeaseState state) { return state != LeaseState::closed; }
// May new quotes and placements use it?
constexpr bool lets(OfferState state) { return state == OfferState::open; }

}  // namespace weft::broker::market
