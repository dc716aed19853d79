// The file of forwarding tables that OpenSM's routing engine `file` reads. OpenSM takes a truncated
// file for a whole one and says so to nobody, so the first line is a comment with the digest and
// the last one an end mark; lint_lft() holds a text against the tables that it should say. Format:
// a header a switch (its table is empty from there on), then a row a LID:
//   Unicast lids [0x0-0x1c] of switch Lid 17 guid 0x0002c90200000000 (leaf0_0):
//   0x0001 1
// Thread: any. Errors: fabric_plan, with the line.
#pragma once
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "broker/fabric/opensm/tables.hpp"

namespace weft::broker::fabric {

std::string lft_text(const Rail& rail, const Tables& tables, Epoch epoch);
// What a text says, whatever its digest: also for a file that somebody has changed.
Result<Tables> parse_lft(const Rail& rail, std::string_view text);
// Refused: digest, end mark, a switch or a row that differs from the tables, a port that the switch
// does not have.
Result<void> lint_lft(const Rail& rail, const Tables& tables, std::string_view text);
// The epoch in the first line; 0: none there.
Epoch lft_epoch(std::string_view text);

}  // namespace weft::broker::fabric
