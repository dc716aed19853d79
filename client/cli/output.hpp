// What verbs print: aligned tables, times as people say them, colours only on a terminal.
// Thread: one.
#pragma once
#include <string>
#include <vector>

#include "schemas/replies.hpp"

namespace weft::cli {

class Table {
 public:
  // A heading that begins with '>' is of a right-aligned column.
  explicit Table(std::vector<std::string> headings);
  void row(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  std::string text() const;

 private:
  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

enum class Colour : unsigned char { none, bold, dim, red, green, yellow, blue };
// Escapes only when standard output is a terminal and NO_COLOR is not set.
std::string painted(std::string text, Colour colour);
bool colours_on_stdout();
Colour colour_of(JobState state);
std::string painted(JobState state);

Instant now();                               // wall clock
std::string ago(Instant then, Instant now);  // "12s ago", "in 4m", "-" for 0
std::string clock_time(Instant t);           // "14:05:07" local, with the date when not today
std::string took(Duration d);                // "340ms", "12s", "3m04s", "2h05m"
std::string dollars(Money m);                // "$1.20"
std::string dollars(Price p);
std::string bytes(std::uint64_t count);                             // "15.6 GiB"
std::string counted(std::uint64_t count, const std::string& noun);  // "1 node", "2 nodes"
std::string signal_name(int number);                                // "SIGKILL"
std::string end_text(const RankEnd& end);  // "exit 3", "killed by SIGKILL (out of memory)"

// The reply as JSON on standard output, indented, with a newline.
void print_json(const ReplyBody& reply);
// A flat object of texts, for verbs whose answer does not come from the broker.
void print_json(const std::vector<std::pair<std::string, std::string>>& pairs);
std::string json_text(const ReplyBody& reply);

// What blocks a job, and the changes that would start it.
std::string why_text(const Why& why);
// Blame as people read it: who, where, how known, last lines. Empty when nobody is to blame.
std::string blame_text(const Blame& blame, std::uint32_t attempt);

}  // namespace weft::cli
