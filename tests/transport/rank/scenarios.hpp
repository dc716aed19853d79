// What a rank under test can do. Each returns the process's exit code.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "transport/mesh.hpp"

namespace weft::test {

using Arguments = std::vector<std::string>;

int play(const std::string& scenario, const Arguments& arguments);

// Joins, or prints the error.
std::unique_ptr<Mesh> join_or_say(const MeshOptions& options = {});
// Prints code, detail, blame and the time of a failure; returns 3.
int say_failure(const Mesh& mesh, const Error& error);
long long monotonic_ms();

int collectives(const Arguments& arguments);  // all operations, types, counts against a reference
int started(const Arguments& arguments);      // many started operations, waited for out of order
int every_kind(const Arguments& arguments);   // every collective as a Work handle
int threads(const Arguments& arguments);      // several threads of one rank wait
int steady(const Arguments& arguments);       // counts allocations and faults of a warm mesh
int mismatch(const Arguments& arguments);     // rank 1 calls something else
int repeat(const Arguments& arguments);       // all_reduce until it fails or N times
int join(const Arguments& arguments);         // joins and leaves, with a time limit
int idle(const Arguments& arguments);         // no operations: only watches
int stop_after(const Arguments& arguments);   // rank R goes (exit, leave, kill) after K operations
int speed(const Arguments& arguments);        // prints a small table; not a test

}  // namespace weft::test
